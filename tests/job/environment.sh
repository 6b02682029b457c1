#!/bin/bash
#@ PATH=/bin
PLAIN=1
export EXPORTED=2 EMPTY=
declare -x DECLARED=3; typeset -x TYPED=4; readonly R=5; export R
set -a; ALL=6; set +a; AFTER=7
unset PATH
export -n TYPED
PREFIX=8 OTHER=$PLAIN run prefix
run no_prefix
(export INSIDE=9; run subshell)
run after_subshell
{ export GROUP=10; run group; } > log
f() { local PLAIN=local; export FROM_F=$1; shift; run in_f "$PLAIN" "$@"; return; run never; }
PREFIX=11 f a b "c d"
run after_f "$PLAIN"
. ./nowhere.sh
export LATER=12
run after_source
source known.env arg
run after_known "$LOCAL"
eval "export EVALUATED=13"
eval "$(some hook)"
run after_eval
command run through_command; time run timed; exec run at_last
run never

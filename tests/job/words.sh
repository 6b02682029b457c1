#!/usr/bin/env bash
#@ HOME=/home/ada X=one.tar.gz arg=first arg=two\ words
A='a b' B="x $A y" C=$A
run quotes $A "$A" '$A' \$A "a\"b" $'t\tn' ""
run tilde ~ ~/bin x~ "~"
run braces a{b,c}d {1..3} {01..03} {a..c} {1..7..3} {x} "{1,2}" a{1,{2,3}}
run trim ${X#*.} ${X##*.} ${X%.*} ${X%%.*} ${X/o/0} ${X//./_} ${X/#one/two} ${X/%gz/xz}
run cut ${X:4} ${X:4:3} ${X: -2} ${#X} ${X^^} ${X^} ${UNSET:-d} ${UNSET-d} ${X:+yes} ${UNSET:+no}end
run args $# $1 "$2" "$@" "${@:2}" $*
list=(p "q r" s)
list+=(t)
list[7]=u
run array "${list[@]}" ${#list[@]} ${list[1]} "${list[*]}" "${list[@]:1:2}" ${!list[@]}
run sums $((2 + 3 * 4)) $((1 << 4 | 3)) $((7 / 2)) $((7 / 0)) $((0x10 + 010 + 2#11)) $((5 > 3 ? 10 : 20)) $((2 ** 10)) $((n = 5, n++ * 2)) $n
let n+=2 m=n*2
run let $n $m
run echo $(echo hello world) "$(printf %s "$A")" $(seq 3) `echo back`
run unknown $(date +%s) "$(hostname)" *.py "*.py" $RANDOM $?
run continued \
    over lines # and a comment
run after#hash '#no' x#y

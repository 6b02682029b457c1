#!/bin/bash
#@ rest
cd "$SCRATCH" || exit 1
[ -d /there ] && run there
[ -e /not-there ] && run never
if [[ $HOSTNAME =~ ^gpu[0-9]+$ ]]; then
  export PLACE=gpu
elif [ "$1" = cpu ]; then
  export PLACE=cpu
else
  echo nothing; exit 2
fi
run placed
if false; then run never; else run always; fi
case abc in a*) run matched ;; *) run never ;; esac
case x in x) run one ;& y) run fallen ;; z) run never ;; esac
export N=${N:-4}
run with_default $N
for i in 1 2 3; do
  [ $i = 2 ] && continue
  run turn $i &
done
wait
run after_wait
for f in *.inp; do total=$f; run each "$f"; done
run after_loop "$total"
i=0
while (( i < 3 )); do run counted $i; ((i++)); done
while true; do run forever; sleep 5; done
until ping -c1 node; do run waits; done
while read -r line; do run read "$line"; done < list
run a & run b
run c
wait
run d

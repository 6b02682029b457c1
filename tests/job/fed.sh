#!/bin/bash
X=1
run a <<EOF | run b && run c &
value $X $(inner) \$X
EOF
run d <<'EOF' > out
value $X
EOF
run e <<-EOF
	tab $X
	EOF
run f <<< "here $X"
run g < <(producer x) > >(tee log)
while run h; do run i; done <<EOF
loop
EOF

#!/bin/sh
# Reads weights and history of a checkpoint with h5dump: read_checkpoint.sh FILE.h5
#
# h5dump prints [height, width, in, out], the last dimension fastest.
set -eu
file=$1

# The values of a dataset, one a line.
values() {
  h5dump -d "$1" -y -w 1 -m %.9g "$file" | sed -n '/DATA {/,/}/s/^ *\([-+.0-9a-z]*\),\{0,1\}$/\1/p'
}

shape=$(h5dump -H -d /layers/conv2d_1/vars/0 "$file" | sed -n 's/.*SIMPLE { (\([^)]*\)).*/\1/p')
echo "shape $(echo "$shape" | tr -d ,)"
values /layers/conv2d_1/vars/0 | awk -v shape="$shape" '
  BEGIN { split(shape, n, ", ") }
  { sum += NR * $1 }
  NR == ((0 * n[2] + 1) * n[3] + 2) * n[4] + 3 + 1 { printf "kernel[0, 1, 2, 3] %.9g\n", $1 }
  END { printf "checksum %.9g\n", sum }'
values /layers/conv2d_1/vars/1 | awk '{ sum += $1 } END { printf "bias %.9g\n", sum }'
echo "accuracy $(values /fixednet/history/test_accuracy | tr '\n' ' ')"

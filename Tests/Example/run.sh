#!/bin/sh
# Builds and runs a package that depends on FixedNet by its version, as a user's does: a copy of this checkout, tagged, in
# a repository of its own. Its own lines of output are checked.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$root/.build-example
library=$folder/fixednet
rm -rf "$library" "$folder/package"
mkdir -p "$library" "$folder/package"
# What is in the checkout, committed or not; the fixtures are not needed.
(cd "$root" && git ls-files --cached --others --exclude-standard -- . ':!Tests/Fixtures' ':!Models' |
  while read -r file; do [ ! -e "$file" ] || echo "$file"; done | tar -cf - -T -) |
  tar -xf - -C "$library"
cd "$library"
git init -q
git add -A
git -c user.name=test -c user.email=test@localhost commit -qm "A copy"
git tag 0.1.0
cp -R "$root/Tests/Example/Package.swift" "$root/Tests/Example/Sources" "$folder/package"
cp "$root/Tests/Fixtures/data/iris.csv" "$folder/package/iris.csv"
cd "$folder/package"
FIXEDNET_URL="file://$library" swift build -c release --disable-dependency-cache >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
output=$(.build/release/first-hour iris.csv)
echo "$output"
check() {
  echo "$output" | awk -v name="$1" -v least="$2" \
    '$1 == name { value = $NF } END { exit !(value >= least) }' ||
    { echo "example: $1 must be at least $2" >&2; exit 1; }
}
check xor 1
check iris 0.9
check epoch 0.6
check sum 0.999
check interface 10

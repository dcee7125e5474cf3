#!/bin/sh
# Installs Cortex node from the folder that this lies in, or takes it away again.
set -eu

usage() {
  cat <<'TEXT'
usage: install.sh [--prefix FOLDER] [--uninstall]

  --prefix FOLDER   where to (default /usr/local): FOLDER/bin/cortex, FOLDER/lib/cortex-node, FOLDER/share
  --uninstall       take away what is there; what the program keeps of its own stays
TEXT
}

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

prefix=/usr/local
uninstall=no
while [ $# -gt 0 ]; do
  case "$1" in
    --prefix) [ $# -gt 1 ] || fail '--prefix needs a folder'; prefix=$2; shift 2 ;;
    --prefix=*) prefix=${1#--prefix=}; shift ;;
    --uninstall) uninstall=yes; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; fail "there is no option $1" ;;
  esac
done
[ -n "$prefix" ] || fail '--prefix needs a folder'
case "$prefix" in /*) ;; *) prefix=$PWD/$prefix ;; esac

bin=$prefix/bin/cortex
lib=$prefix/lib/cortex-node
doc=$prefix/share/doc/cortex-node
man=$prefix/share/man/man1/cortex.1

# Another program of this name is nobody's to replace.
if [ -e "$bin" ] && [ ! -e "$lib/dist/bin/cortex.js" ]; then
  fail "$bin is there and is not of this program: choose another --prefix"
fi

if [ "$uninstall" = yes ]; then
  [ -e "$lib" ] || fail "nothing is installed in $prefix"
  rm -rf "$lib" "$doc"
  rm -f "$bin" "$man"
  echo "taken away from $prefix; data stays where it was (by default ~/.local/share/cortex-node)"
  exit 0
fi

from=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
[ -x "$from/lib/cortex-node/node" ] || fail "run it from the folder that was unpacked"
"$from/bin/cortex" --version >/dev/null || fail "its Node does not run on this machine: it is for Linux with glibc 2.28 or later, and one kind of processor"

mkdir -p "$prefix/bin" "$prefix/lib" "$prefix/share/doc" "$prefix/share/man/man1" || fail "cannot write to $prefix: use sudo, or --prefix \"\$HOME/.local\""
# Beside the old one first, so that a full disk leaves that whole.
rm -rf "$lib.new"
cp -R "$from/lib/cortex-node" "$lib.new"
cp "$from/install.sh" "$lib.new/install.sh"
rm -rf "$lib" "$doc"
mv "$lib.new" "$lib"
cp -R "$from/share/doc/cortex-node" "$doc"
cp "$from/share/man/man1/cortex.1" "$man"
cp "$from/bin/cortex" "$bin.new"
mv "$bin.new" "$bin"
echo "installed $("$bin" --version): $bin"
case ":$PATH:" in *":$prefix/bin:"*) ;; *) echo "$prefix/bin is not in your PATH" ;; esac

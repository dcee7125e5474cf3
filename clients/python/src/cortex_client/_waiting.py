"""Made from `gateway/client/waiting.ts` by `npm run gen`."""

#: What a machine to work in does; what follows is for how many seconds it may be idle.
WAITING = ["sh","-c","trap \"exit 0\" TERM INT\nidle=$1 left=$1 was=\nrest=1\n[ $$ = 1 ] || rest=2\nwhile :; do\n  sleep 5 & wait $!\n  [ \"$idle\" -gt 0 ] || continue\n  read -r one five fifteen running newest </proc/loadavg\n  set -- /proc/[0-9]*\n  if [ \"$newest\" = \"$((was + 1))\" ] && [ $# -le \"$rest\" ]; then\n    left=$((left - 5))\n    [ \"$left\" -gt 0 ] || exit 0\n  else left=$idle; fi\n  was=$newest\ndone","sh"]

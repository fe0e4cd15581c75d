# ops/lib.sh — what the scripts under ops/ share. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# require_packages SET…: installs what is missing of those sets of ops/packages.txt. Needs root or sudo only when
# something is missing, so that a prepared machine without either still works.
require_packages() {
  local wanted=() missing=() set package installed
  while read -r set package; do
    case " $* " in *" $set "*) wanted+=("$package") ;; esac
  done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$ROOT/ops/packages.txt")
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^ii  *//p')
  for package in "${wanted[@]}"; do
    grep -qx -- "$package" <<<"$installed" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "Нужны пакеты: ${missing[*]}. Установите их от имени администратора: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Устанавливаю пакеты: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq >&2 || die "Не удалось обновить список пакетов: проверьте доступ к репозиторию Debian."
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    die "Не удалось установить пакеты: ${missing[*]}"
}

# build_preset PRESET [TARGET…]: configures once, builds, keeps the compiler's talk off stdout.
build_preset() {
  local preset=$1
  shift
  (
    cd "$ROOT"
    [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >&2 || exit 1
    cmake --build --preset "$preset" ${1:+--target "$@"} >&2
  ) || die "Сборка не удалась (preset $preset)."
}

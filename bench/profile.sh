#!/usr/bin/env bash
# Where the time of a prompt (512 tokens) and of a decode (256 tokens from the first on) goes, emitted method by emitted method, as Linux perf samples it.
# Shares are of the time in emitted code and in the runtime's workers: start-up, the JIT and the measuring of peaks are left out.
# usage: bench/profile.sh DIR FORMAT [THREADS]      needs perf, and modelc built: dotnet build -c Release generator/ModelCompiler.Tool
set -euo pipefail
if [ $# -lt 2 ]; then sed --quiet '2,4s/^# //p' "$0" >&2; exit 2; fi
model=$1 format=$2 threads=${3:-$(nproc)}
modelc=${MODELC:-$(dirname "$0")/../generator/ModelCompiler.Tool/bin/Release/net10.0/modelc}
samples=$(mktemp)
trap 'rm -f "$samples"' EXIT

# Without write-xor-execute, compiled code lies where the JIT tells perf that it lies.
export DOTNET_PerfMapEnabled=1 DOTNET_EnableWriteXorExecute=0

profile() { # title, options of modelc bench
  local title=$1
  shift
  echo "$title, $format"
  perf record --quiet --event cpu-clock --freq 997 --output "$samples" -- "$modelc" bench "$model" --weights "$format" --threads "$threads" --json "$@" > /dev/null
  perf report --input "$samples" --stdio --fields overhead,symbol --percent-limit 0 2> /dev/null |
    sed --quiet --regexp-extended 's/^ *([0-9.]+)% .*((Avx512|Avx2|Neon|Portable)Kernels|Execution\.(Worker|WorkerPool|StepSynchronisation|Gate|StepRunner))::([A-Za-z0-9_]+).*/\1 \5/p' |
    awk '{ share[$2] += $1; all += $1 } END { for (name in share) if (share[name] / all >= 0.001) printf "%6.1f %%  %s\n", 100 * share[name] / all, name }' |
    sort --reverse --general-numeric-sort
}

"$modelc" bench "$model" --weights "$format" --prompt-length 1 --gen-length 1 --repeat 1 --json > /dev/null # packs and compiles, unseen
profile "prompt of 512" --prompt-length 512 --gen-length 0 --repeat 8
profile "decode of 256" --prompt-length 0 --gen-length 256 --repeat 4

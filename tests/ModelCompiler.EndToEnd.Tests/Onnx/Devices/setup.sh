#!/usr/bin/env bash
# A WebGPU provider without a GPU: Dawn over SwiftShader's Vulkan (another driver: VK_DRIVER_FILES, which wins). Usage: setup.sh FOLDER; then, as it says at the end,
# MODELCOMPILER_WEBGPU=FOLDER/libonnxruntime.so dotnet test …, which builds the tests too. Needs Debian's chromium (SwiftShader), npm, a C compiler, and the restored packages.
set -euo pipefail
folder=$(realpath -m "${1:?the folder to fill}")
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"

icd=/usr/lib/chromium/vk_swiftshader_icd.json
if [ ! -f "$icd" ]; then
  echo "$icd: found no such file, expected the SwiftShader that Debian's package chromium brings: apt-get install chromium" >&2
  exit 1
fi

npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" onnxruntime-node@1.30.0
real="$folder/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1"

# The header of the managed library's version: everything in it before the functions of API 31 is table 30.
packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}
include="$packages/microsoft.ml.onnxruntime/1.31.1/build/native/include"
first=$(awk '/^struct OrtApi \{/ { table = 1 } table && /since Version 1\.31/ { found = 1 } found && /ORT_API2_STATUS\(/ { print; exit }' "$include/onnxruntime_c_api.h" \
  | sed --regexp-extended 's/.*ORT_API2_STATUS\(([A-Za-z0-9_]+).*/\1/')
cc -shared -fPIC -O1 -Wall -I "$include" -DREAL_LIBRARY="\"$real\"" -DFIRST_OF_31="$first" \
  -DDRIVER="\"$icd\"" -DVULKAN="\"$(dirname "$icd")/libvulkan.so.1\"" -o "$folder/libonnxruntime.so" "$here/shim.c" -ldl
echo "modelc verify DIR --provider webgpu --library $folder/libonnxruntime.so"
echo "MODELCOMPILER_WEBGPU=$folder/libonnxruntime.so dotnet test -c Release --project tests/ModelCompiler.EndToEnd.Tests --filter-class '*WebGpuTests'"

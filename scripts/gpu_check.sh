#!/usr/bin/env bash
# gpu_check.sh [OUT] [OPTION ...]: the GPU tables in one command, on a GPU machine without network.
#   OUT       folder for gpu.json, gpu.txt and check.txt (default: gpu-check)
#   OPTION    for `python -m training.gpu_check`, such as --rounds 40 or --no-compile
#   SITE_ENV  file to source first, which puts unpacked wheels on the path (default: ~/site/env.sh where it is there)
#   PYTHON    interpreter (default: python3)
# Beside PyTorch for CUDA it needs tensorrt-rtx-cu13, cuda-python, onnx, onnxruntime (or onnxruntime-gpu, which adds its
# rows), opencv, numpy, matplotlib, scipy and tqdm.
# Exit 0: tables made; 3: no GPU here; another number: something failed, its line says what.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
out=${1:-gpu-check}
shift || true
python=${PYTHON:-python3}
site_env=${SITE_ENV:-$HOME/site/env.sh}
if [ -f "$site_env" ]; then
  # shellcheck disable=SC1090
  . "$site_env"
fi
if ! command -v nvidia-smi >/dev/null || ! nvidia-smi >/dev/null 2>&1; then
  echo "gpu_check: expected an NVIDIA GPU and driver, found none; run it on a GPU machine" >&2
  exit 3
fi
mkdir -p "$out" || exit 1
{
  echo "== machine"
  nvidia-smi
  find / -name 'libnvinfer*' -not -path '/proc/*' 2>/dev/null
  "$python" -m pip list 2>/dev/null | grep -i -e tensorrt -e onnx -e torch -e cuda -e numpy -e opencv
} | tee "$out/check.txt"
exec "$python" -m training.gpu_check --out "$out" "$@"

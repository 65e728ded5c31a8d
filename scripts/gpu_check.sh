#!/usr/bin/env bash
# gpu_check.sh [OUT] [OPTION ...]: the GPU tables in one command, on a GPU machine without network.
#   OUT       folder for gpu.json, gpu.txt, check.txt and tests.txt (default: gpu-check); written after every step
#   OPTION    for `python -m training.studies.gpu.command`, such as --rounds 40, --no-compile or --no-tensorrt
#   SITE_ENV  file to source first, which puts unpacked wheels on the path (default: ~/site/env.sh where it is there)
#   PYTHON    interpreter (default: python3)
# Needs torch for CUDA, numpy, opencv (or opencv-python-headless), onnx and onnxruntime (or onnxruntime-gpu, which adds its rows).
# For TensorRT's rows: tensorrt-rtx-cu13 (or full TensorRT) and cuda-python, of which cuda-bindings and cuda-pathfinder are
# enough. For PyTorch's rows: matplotlib, scipy and tqdm. What else is missing costs its rows alone, and the table says so.
# With pytest and hypothesis the tests that need a GPU run after the tables.
# torch.compile takes minutes: its rows come last, so that a run that is cut off has the others.
# Exit 0: tables made; 2: wrong input or a missing package; 3: no GPU here; 128 and more: killed, see the last line.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
out=${1:-gpu-check}
shift || true
python=${PYTHON:-python3}
site_env=${SITE_ENV:-$HOME/site/env.sh}
if [ -f "$site_env" ]; then
  set +u # not ours
  # shellcheck disable=SC1090
  . "$site_env"
  set -u
fi
if ! missing=$("$python" - <<'PY'
from importlib.util import find_spec
needed = {"torch": "torch", "numpy": "numpy", "cv2": "opencv-python-headless", "onnx": "onnx", "onnxruntime": "onnxruntime"}
print(*(package for module, package in needed.items() if find_spec(module) is None))
PY
); then
  echo "gpu_check: expected a Python as $python, found none that runs; set PYTHON" >&2
  exit 2
fi
if [ -n "$missing" ]; then
  echo "gpu_check: expected torch, numpy, opencv, onnx and onnxruntime in $python, found no $missing; install them" >&2
  exit 2
fi
mkdir -p "$out" || exit 2
{
  echo "== machine"
  if command -v nvidia-smi >/dev/null; then nvidia-smi; else echo "no nvidia-smi here"; fi
  timeout 20 find / -xdev -name 'libnvinfer*' -not -path '/proc/*' 2>/dev/null
  "$python" -m pip list 2>/dev/null | grep -i -e tensorrt -e onnx -e torch -e cuda -e numpy -e opencv
} | tee "$out/check.txt"
"$python" -X faulthandler -m training.studies.gpu.command --out "$out" "$@"
code=$?
[ "$code" -eq 3 ] && exit 3
if [ "$code" -ge 128 ]; then
  echo "gpu_check: killed at the step that stands last above; $out holds what was measured before. Where TensorRT was at work, " \
    "run it again with --no-tensorrt" >&2
fi
if "$python" -c 'import hypothesis, pytest' 2>/dev/null; then
  # Without the project's settings, which need plugins that this machine may lack.
  "$python" -m pytest -c /dev/null --rootdir . -p no:cacheprovider -q -rs --tb=line -m gpu \
    tests/engines/tensorrt/test_tensorrt_gpu.py tests/engines/test_backends.py >"$out/tests.txt" 2>&1
  echo "tests marked gpu: $(tail -1 "$out/tests.txt")"
else
  echo "tests marked gpu: left out, since pytest and hypothesis are not both here"
fi
exit "$code"

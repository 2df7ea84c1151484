#!/usr/bin/env bash
# @MODEL@ on @GPUS@ GPUs: @NODES@ node(s).
# Written by `glmcode engine plan --recipe slurm`; plan again rather than edit the numbers.
#SBATCH --job-name=glm
#SBATCH --nodes=@NODES@
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=@GPUS_PER_NODE@
#SBATCH --exclusive
#SBATCH --output=glm-%j.log
set -euo pipefail

version=@VERSION@
# A Python environment on a shared file system, with that SGLang in it.
environment=${GLM_ENVIRONMENT:-$HOME/sglang-$version}
# The key stays out of this file and of every command line; make it once:
#   (umask 077; echo "api-key: $(openssl rand -hex 32)" > ~/.glm-key.yaml)
key=${GLM_KEY:-$HOME/.glm-key.yaml}

fail() { echo "$1" >&2; exit 2; }
[ -x "$environment/bin/sglang" ] || fail "no SGLang in $environment: make a venv there and pip install sglang==$version"
case $(stat -c %a "$key" 2>/dev/null) in
  600 | 400) ;;
  *) fail "$key: missing, or others can read it; see the top of this script" ;;
esac

hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
first=${hosts%%$'\n'*}
serve=(
@COMMAND@
)
echo "GLM answers on http://$first:@PORT@/v1 once it has loaded"
export PATH="$environment/bin:$PATH"
# Each node's own shell puts its rank in.
# shellcheck disable=SC2016
exec srun --kill-on-bad-exit=1 bash -c 'exec "$@" --node-rank "$SLURM_PROCID"' node "${serve[@]}" --config "$key"

#!/usr/bin/env bash
# A job on Slurm: Ray on each of its nodes, the program on the first. sbatch slurm.sh
#SBATCH --job-name=millpond
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=04:00:00
set -euo pipefail

export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$HOME/.ray/slurm-$SLURM_JOB_ID
mkdir -p "$HOME/.ray"
(umask 077 && python -c 'import secrets; print(secrets.token_hex(32))' > "$RAY_AUTH_TOKEN_PATH")
trap 'rm -f "$RAY_AUTH_TOKEN_PATH"' EXIT

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
# Two jobs on a node must not meet at one port.
port=$((20000 + SLURM_JOB_ID % 10000))
ulimit -n "$(ulimit -Hn)"
export MILLPOND_RAY_ADDRESS=auto MILLPOND_DATA_ROOT=${MILLPOND_DATA_ROOT:-$SLURM_SUBMIT_DIR/millpond}
srun --kill-on-bad-exit ray symmetric-run --address "$head:$port" --min-nodes "$SLURM_JOB_NUM_NODES" -- \
  python "$SLURM_SUBMIT_DIR/job.py"

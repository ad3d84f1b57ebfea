#!/bin/bash
# Thumbnails of one large folder by a Slurm array: sbatch --array=0-15 imgq-slurm.sh
# Each task makes its part (imgq(1), --shard); all write into one folder, on a file system that all nodes
# have. One whose node went Slurm starts again, after two minutes; one that failed or was killed you do, by
# scontrol requeue JOB_TASK. It begins where it was. At the end, once:
# imgq run -o /mnt/thumbs --manifest /mnt/thumbs/all.json /mnt/photos
#SBATCH --job-name=imgq
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=1G
#SBATCH --requeue
#SBATCH --open-mode=append
set -eu
status=0
imgq run --quiet --shard slurm --workers "${SLURM_CPUS_PER_TASK:-4}" -o /mnt/thumbs /mnt/photos || status=$?
# 1: some image could not be made; the task's log says which, and the others are done.
[ "$status" -le 1 ] || exit "$status"

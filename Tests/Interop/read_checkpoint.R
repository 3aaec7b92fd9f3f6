# Reads weights and history of a checkpoint with R and rhdf5: Rscript read_checkpoint.R FILE.h5
#
# R counts dimensions from the other end: it sees [out, in, width, height].
library(rhdf5)

file <- commandArgs(trailingOnly = TRUE)[1]
kernel <- aperm(h5read(file, "layers/conv2d_1/vars/0"))  # [height, width, in, out]
bias <- h5read(file, "layers/conv2d_1/vars/1")
accuracy <- h5read(file, "fixednet/history/test_accuracy")

cat("shape", dim(kernel), "\n")
cat("kernel[0, 1, 2, 3]", sprintf("%.9g", kernel[1, 2, 3, 4]), "\n")
cat("checksum", sprintf("%.9g", sum(seq_along(kernel) * aperm(kernel))), "\n")
cat("bias", sprintf("%.9g", sum(bias)), "\n")
cat("accuracy", sprintf("%.9g", accuracy), "\n")

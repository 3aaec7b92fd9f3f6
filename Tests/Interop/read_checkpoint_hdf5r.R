# Reads weights and history of a checkpoint with R and hdf5r: Rscript read_checkpoint_hdf5r.R FILE.h5
#
# R counts dimensions from the other end: it sees [out, in, width, height].
library(hdf5r)

file <- H5File$new(commandArgs(trailingOnly = TRUE)[1], "r")
kernel <- aperm(file[["layers/conv2d_1/vars/0"]]$read())  # [height, width, in, out]
bias <- file[["layers/conv2d_1/vars/1"]]$read()
accuracy <- file[["fixednet/history/test_accuracy"]]$read()

cat("shape", dim(kernel), "\n")
cat("kernel[0, 1, 2, 3]", sprintf("%.9g", kernel[1, 2, 3, 4]), "\n")
cat("checksum", sprintf("%.9g", sum(seq_along(kernel) * aperm(kernel))), "\n")
cat("bias", sprintf("%.9g", sum(bias)), "\n")
cat("accuracy", sprintf("%.9g", accuracy), "\n")

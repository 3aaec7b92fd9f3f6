% Reads weights and history of a checkpoint with Octave: octave-cli read_checkpoint.m FILE.h5
%
% Octave counts dimensions from the other end: it sees [out, in, width, height]. In MATLAB, write
% h5read(file, '/layers/conv2d_1/vars/0') for file.layers.conv2d_1.vars._0; the rest is the same.
file = load("-hdf5", argv(){end});
kernel = permute(file.layers.conv2d_1.vars._0, [4 3 2 1]);  % [height, width, in, out]
bias = file.layers.conv2d_1.vars._1;
accuracy = file.fixednet.history.test_accuracy;

printf("shape%s\n", sprintf(" %d", size(kernel)));
printf("kernel[0, 1, 2, 3] %.9g\n", kernel(1, 2, 3, 4));
printf("checksum %.9g\n", (1:numel(kernel)) * double(permute(kernel, [4 3 2 1]))(:));
printf("bias %.9g\n", sum(double(bias)));
printf("accuracy%s\n", sprintf(" %.9g", accuracy));

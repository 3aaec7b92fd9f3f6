// Pictures of bytes: decoded by libpng and libjpeg-turbo, turned upright, brought to a size.
#pragma once
#include <stdint.h>
#include <stdlib.h>

#include "../include/CReader.h"

/// A picture, or why there is none.
typedef struct {
  /// FN_PICTURE_...; FN_PICTURE_HERE until something is wrong.
  int state;
  /// As they are stored, before the picture is turned upright.
  uint64_t width, height;
  /// What the picture itself has: 1 or 3.
  int own_channels;
  /// FN_PICTURE_ALPHA and others.
  uint64_t flags;
  /// 1 to 8, as EXIF numbers them.
  int orientation;
  /// [height][width][channels]; NULL where only the head was read.
  unsigned char *pixels;
  char text[128];
} fn_picture;

/// What is wanted of it: 1 or 3 channels; 0: only its head.
void fn_decode_png(const unsigned char *bytes, uint64_t size, int channels, fn_picture *picture);
void fn_decode_jpeg(const unsigned char *bytes, uint64_t size, int channels, fn_picture *picture);

void fn_picture_fail(fn_picture *picture, int state, const char *text);

/// Whether the size is one that is read; says so in the picture where it is not. `least`: bytes that the pixels take in the
/// file at least.
int fn_picture_fits(fn_picture *picture, uint64_t least, uint64_t size);

/// Luma of Rec. 601 in 16 bits, as Pillow computes its mode L.
static inline unsigned char fn_luma(unsigned red, unsigned green, unsigned blue) {
  return (unsigned char)((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/// `count` pixels of `from` channels (1: grey, 2: grey and alpha, 3: red, green, blue, 4: and alpha) become pixels of 1 or 3.
/// What is transparent lies over black. `to` may be `values`.
void fn_convert_pixels(
    const unsigned char *values, int from, unsigned char *to, int channels, uint64_t count);

/// The orientation that EXIF data say, from the byte order on; 1 where they say none.
int fn_exif_orientation(const unsigned char *bytes, uint64_t size);

/// Turns the pixels upright: width and height may change places. 0 where there is no memory.
int fn_turn_upright(fn_picture *picture, int channels);

/// Writes the picture as [height][width][channels]: see resize.c. 0 where there is no memory.
int fn_resize(
    const fn_picture *picture, int channels, uint64_t height, uint64_t width, unsigned char *to);

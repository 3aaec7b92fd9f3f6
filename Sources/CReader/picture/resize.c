// Pictures of another size.
//
// Each axis has its own weights, the horizontal one comes first. A value of the result at o stands over
// c = (o + 1/2) s of the picture, s = from / to; with f = max(s, 1) the weight of the picture's value i is the triangle
// 1 - |i + 1/2 - c| / f, where that is positive: linear interpolation where the picture grows, and where it shrinks a mean
// over all that the new pixel covers and half of its neighbours, so that nothing is left out. Weights are divided by their
// sum in doubles and rounded to 22 binary places; sums are of integers, rounded to a byte after each axis.
// Source: Pillow's Image.resize(size, Image.BILINEAR), whose bits these are where it takes the horizontal axis first too. Newer
// versions begin with the axis that shrinks more: then a value may be 1 of 255 apart.
#include <string.h>

#include "picture.h"

#pragma STDC FP_CONTRACT OFF

enum { PLACES = 22 };

/// Which values of the picture a value of the result is made of, and their weights.
typedef struct {
  uint64_t first, count;
  int32_t *weights;
} reach;

/// The weights of one axis; NULL where there is no memory. Freed as one.
static reach *weights_of(uint64_t from, uint64_t to) {
  double scale = (double)from / (double)to, width = scale < 1 ? 1 : scale;
  uint64_t most = (from > to ? (from + to - 1) / to : 1) * 2 + 1;
  reach *all = malloc(to * (sizeof *all + most * sizeof(int32_t)) + most * sizeof(double));
  if (!all) return NULL;
  double *exact = (double *)(all + to);
  int32_t *room = (int32_t *)(exact + most);
  for (uint64_t o = 0; o < to; o++) {
    double centre = ((double)o + 0.5) * scale, sum = 0;
    double start = centre - width + 0.5, end = centre + width + 0.5;
    reach *own = all + o;
    own->first = start < 0 ? 0 : (uint64_t)start;
    own->count = (end > (double)from ? from : (uint64_t)end) - own->first;
    own->weights = room + o * most;
    for (uint64_t i = 0; i < own->count; i++) {
      double place = ((double)(own->first + i) - centre + 0.5) * (1 / width);
      double distance = place < 0 ? -place : place;
      exact[i] = distance < 1 ? 1 - distance : 0;
      sum += exact[i];
    }
    for (uint64_t i = 0; i < own->count; i++)
      own->weights[i] = (int32_t)(0.5 + exact[i] / sum * (1 << PLACES));
  }
  return all;
}

static inline unsigned char rounded(int32_t sum) {
  int32_t value = sum >> PLACES;
  return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/// One row of `channels` values each: [from] to [to].
static void resize_row(
    const unsigned char *row, const reach *axis, uint64_t to, int channels, unsigned char *result) {
  for (uint64_t o = 0; o < to; o++) {
    const reach *own = axis + o;
    const unsigned char *values = row + own->first * (uint64_t)channels;
    if (channels == 1) {
      int32_t sum = 1 << (PLACES - 1);
      for (uint64_t i = 0; i < own->count; i++) sum += values[i] * own->weights[i];
      result[o] = rounded(sum);
    } else {
      int32_t red = 1 << (PLACES - 1), green = red, blue = red;
      for (uint64_t i = 0; i < own->count; i++) {
        red += values[3 * i] * own->weights[i];
        green += values[3 * i + 1] * own->weights[i];
        blue += values[3 * i + 2] * own->weights[i];
      }
      result[3 * o] = rounded(red);
      result[3 * o + 1] = rounded(green);
      result[3 * o + 2] = rounded(blue);
    }
  }
}

/// One row of the result out of rows of `length` values.
static void resize_column(
    const unsigned char *rows, const reach *own, uint64_t length, int32_t *sums,
    unsigned char *result) {
  for (uint64_t j = 0; j < length; j++) sums[j] = 1 << (PLACES - 1);
  for (uint64_t i = 0; i < own->count; i++) {
    const unsigned char *row = rows + (own->first + i) * length;
    for (uint64_t j = 0; j < length; j++) sums[j] += row[j] * own->weights[i];
  }
  for (uint64_t j = 0; j < length; j++) result[j] = rounded(sums[j]);
}

int fn_resize(
    const fn_picture *picture, int channels, uint64_t height, uint64_t width, unsigned char *to) {
  uint64_t from = picture->width * (uint64_t)channels, length = width * (uint64_t)channels;
  if (picture->width == width && picture->height == height) {
    memcpy(to, picture->pixels, height * length);
    return 1;
  }
  reach *across = weights_of(picture->width, width), *down = weights_of(picture->height, height);
  unsigned char *narrow = malloc(picture->height * length);
  int32_t *sums = malloc(length * sizeof *sums);
  int is_done = across && down && narrow && sums;
  if (is_done) {
    for (uint64_t row = 0; row < picture->height; row++)
      resize_row(picture->pixels + row * from, across, width, channels, narrow + row * length);
    for (uint64_t row = 0; row < height; row++)
      resize_column(narrow, down + row, length, sums, to + row * length);
  }
  free(across);
  free(down);
  free(narrow);
  free(sums);
  return is_done;
}

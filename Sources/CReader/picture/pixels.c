// What is done to pixels whatever file they come from.
#include <string.h>

#include "picture.h"

void fn_picture_fail(fn_picture *picture, int state, const char *text) {
  picture->state = state;
  strncpy(picture->text, text, sizeof picture->text - 1);
  picture->text[sizeof picture->text - 1] = 0;
}

int fn_picture_fits(fn_picture *picture, uint64_t least, uint64_t size) {
  uint64_t pixels;
  if (__builtin_mul_overflow(picture->width, picture->height, &pixels) || pixels == 0 ||
      pixels > FN_PICTURE_PIXELS)
    fn_picture_fail(picture, FN_PICTURE_LARGE, "");
  else if (least > size)
    fn_picture_fail(picture, FN_PICTURE_DAMAGED, "too few bytes for its size");
  return picture->state == FN_PICTURE_HERE;
}

/// A value over black.
static inline unsigned char over_black(unsigned value, unsigned alpha) {
  return (unsigned char)((value * alpha + 127) / 255);
}

void fn_convert_pixels(
    const unsigned char *values, int from, unsigned char *to, int channels, uint64_t count) {
  int is_colour = from > 2, has_alpha = from % 2 == 0;
  for (uint64_t i = 0; i < count; i++, values += from, to += channels) {
    unsigned char red = values[0], green = is_colour ? values[1] : red;
    unsigned char blue = is_colour ? values[2] : red;
    if (has_alpha) {
      unsigned alpha = values[from - 1];
      red = over_black(red, alpha);
      green = over_black(green, alpha);
      blue = over_black(blue, alpha);
    }
    if (channels == 1) {
      to[0] = is_colour ? fn_luma(red, green, blue) : red;
    } else {
      to[0] = red;
      to[1] = green;
      to[2] = blue;
    }
  }
}

// MARK: - Upright

/// Layout: "II" or "MM", 42, where the first directory is; there a number of entries of 12 bytes: tag, type, count, value.
int fn_exif_orientation(const unsigned char *bytes, uint64_t size) {
  if (size < 8) return 1;
  int is_little = bytes[0] == 'I' && bytes[1] == 'I';
  if (!is_little && !(bytes[0] == 'M' && bytes[1] == 'M')) return 1;
#define SHORT(p) (is_little ? bytes[p] | bytes[(p) + 1] << 8 : bytes[p] << 8 | bytes[(p) + 1])
#define LONG(p)                                                        \
  (is_little ? (uint64_t)SHORT(p) | (uint64_t)SHORT((p) + 2) << 16     \
             : (uint64_t)SHORT(p) << 16 | (uint64_t)SHORT((p) + 2))
  uint64_t place = LONG(4);
  if (SHORT(2) != 42 || place > size - 2) return 1;
  uint64_t count = (uint64_t)SHORT(place);
  place += 2;
  for (uint64_t i = 0; i < count && size - place >= 12; i++, place += 12) {
    if (SHORT(place) != 0x0112) continue;
    int value = SHORT(place + 8);
    return SHORT(place + 2) == 3 && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
#undef SHORT
#undef LONG
}

int fn_turn_upright(fn_picture *picture, int channels) {
  int how = picture->orientation;
  if (how <= 1) return 1;
  uint64_t width = picture->width, height = picture->height, size = (uint64_t)channels;
  unsigned char *turned = malloc(width * height * size);
  if (!turned) return 0;
  // 5 to 8: what was a row is a column.
  int is_crossed = how >= 5;
  uint64_t new_width = is_crossed ? height : width, new_height = is_crossed ? width : height;
  int from_right = how == 2 || how == 3 || how == 7 || how == 8;
  int from_below = how == 3 || how == 4 || how == 6 || how == 7;
  unsigned char *to = turned;
  for (uint64_t y = 0; y < new_height; y++)
    for (uint64_t x = 0; x < new_width; x++, to += size) {
      uint64_t column = is_crossed ? y : x, row = is_crossed ? x : y;
      if (from_right) column = width - 1 - column;
      if (from_below) row = height - 1 - row;
      memcpy(to, picture->pixels + (row * width + column) * size, size);
    }
  free(picture->pixels);
  picture->pixels = turned;
  picture->width = new_width;
  picture->height = new_height;
  return 1;
}

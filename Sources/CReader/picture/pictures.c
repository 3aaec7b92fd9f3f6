// A request for pictures: each is decoded, turned upright and brought to the size that all have.
#ifdef FN_WITH_IMAGES
#include <string.h>

#include "../parts.h"
#include "picture.h"

/// Other pictures that people have, by their first bytes.
static const char *other_kind(const unsigned char *bytes, uint64_t size) {
  static const struct {
    const char *start, *text;
    uint64_t count;
  } kinds[] = {
      {"GIF8", "a GIF", 4},      {"BM", "a BMP", 2},           {"II*\0", "a TIFF", 4},
      {"MM\0*", "a TIFF", 4},    {"RIFF", "a WebP", 4},        {"\0\0\0\x0CjP", "a JPEG 2000", 6},
      {"\xFF\x0A", "a JPEG XL", 2}, {"P5", "a PGM", 2},        {"P6", "a PPM", 2},
      {"%PDF", "a PDF", 4},      {"<svg", "an SVG", 4},        {"<?xml", "an XML text", 5},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (size >= kinds[i].count && memcmp(bytes, kinds[i].start, kinds[i].count) == 0)
      return kinds[i].text;
  if (size >= 12 && memcmp(bytes + 4, "ftyp", 4) == 0) return "a HEIF, AVIF or film";
  return "";
}

static void decode(
    const unsigned char *bytes, uint64_t size, int channels, fn_picture *picture) {
  static const unsigned char png[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10};
  if (size == 0)
    fn_picture_fail(picture, FN_PICTURE_EMPTY, "");
  else if (size >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
    fn_decode_png(bytes, size, channels, picture);
  else if (size >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF)
    fn_decode_jpeg(bytes, size, channels, picture);
  else
    fn_picture_fail(picture, FN_PICTURE_OTHER, other_kind(bytes, size));
}

/// What all pictures become.
typedef struct {
  uint64_t height, width;
  int channels;
  /// They must be so already.
  int is_exact;
} target;

/// Whether a picture is as it must be before it is decoded.
static void check_head(fn_picture *picture, const target *wanted) {
  int is_crossed = picture->orientation >= 5;
  uint64_t width = is_crossed ? picture->height : picture->width;
  uint64_t height = is_crossed ? picture->width : picture->height;
  if (!wanted->is_exact) return;
  if (width != wanted->width || height != wanted->height)
    fn_picture_fail(picture, FN_PICTURE_SIZE, "");
  else if (picture->own_channels != wanted->channels)
    fn_picture_fail(picture, FN_PICTURE_COLOURS, "");
}

static void write_picture(
    fn_table *table, uint64_t index, const fn_picture *picture, const target *wanted) {
  int is_crossed = !picture->pixels && picture->orientation >= 5;
  fn_table_begin(table, FN_RECORD_PICTURE);
  fn_table_number(table, index);
  fn_table_number(table, (uint64_t)picture->state);
  fn_table_number(table, is_crossed ? picture->width : picture->height);
  fn_table_number(table, is_crossed ? picture->height : picture->width);
  fn_table_number(table, (uint64_t)picture->own_channels);
  fn_table_number(table, picture->flags);
  fn_table_text(table, picture->text, strlen(picture->text));
  if (picture->pixels && picture->state == FN_PICTURE_HERE) {
    uint64_t count = wanted->height * wanted->width * (uint64_t)wanted->channels;
    fn_table_number(table, count);
    unsigned char *room = fn_table_room(table, count);
    if (room && !fn_resize(picture, wanted->channels, wanted->height, wanted->width, room))
      fn_give_up(FN_EXIT_MEMORY);
  }
  fn_table_end(table);
}

/// One picture. 0 where something is wrong with it.
static int read_picture(
    fn_table *table, uint64_t index, const unsigned char *bytes, uint64_t size,
    const target *wanted) {
  fn_picture picture = {.state = FN_PICTURE_HERE, .orientation = 1};
  if (wanted->channels == 0 || wanted->is_exact) {
    decode(bytes, size, 0, &picture);
    if (picture.state == FN_PICTURE_HERE) check_head(&picture, wanted);
  }
  if (wanted->channels > 0 && picture.state == FN_PICTURE_HERE) {
    picture = (fn_picture){.state = FN_PICTURE_HERE, .orientation = 1};
    decode(bytes, size, wanted->channels, &picture);
    if (picture.state == FN_PICTURE_HERE) {
      if (picture.orientation > 1) picture.flags |= FN_PICTURE_TURNED;
      if (!fn_turn_upright(&picture, wanted->channels)) fn_give_up(FN_EXIT_MEMORY);
    }
  }
  write_picture(table, index, &picture, wanted);
  free(picture.pixels);
  return picture.state == FN_PICTURE_HERE;
}

int fn_read_pictures(
    fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request) {
  target wanted;
  wanted.height = fn_source_number(request);
  wanted.width = fn_source_number(request);
  wanted.channels = (int)fn_source_number(request);
  wanted.is_exact = fn_source_number(request) != 0;
  uint64_t count = fn_source_number(request), place = 0;
  if (wanted.channels != 0 && wanted.channels != 1 && wanted.channels != 3) return FN_EXIT_WORK;
  // As far as the first that cannot be read.
  for (uint64_t i = 0; i < count; i++) {
    uint64_t length = fn_source_number(request);
    if (request->is_short || length > size - place) return FN_EXIT_WORK;
    if (!read_picture(table, i, bytes + place, length, &wanted)) break;
    place += length;
  }
  return FN_EXIT_DONE;
}
#endif

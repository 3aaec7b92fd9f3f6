// PNG through libpng.
#ifdef FN_WITH_IMAGES
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "picture.h"

typedef struct {
  const unsigned char *bytes;
  uint64_t size, place;
  fn_picture *picture;
  /// Of the file, as it is read.
  int channels;
  unsigned char *row;
} source;

static void take(png_structp png, png_bytep to, size_t count) {
  source *from = png_get_io_ptr(png);
  if (count > from->size - from->place) png_error(png, "it is cut off");
  memcpy(to, from->bytes + from->place, count);
  from->place += count;
}

static void fail(png_structp png, png_const_charp text) {
  fn_picture_fail(png_get_error_ptr(png), FN_PICTURE_DAMAGED, text);
  png_longjmp(png, 1);
}

/// What libpng can do without: what it warns of is no part of the pixels.
static void pass_over(png_structp png, png_const_charp text) { (void)png, (void)text; }

/// Neither texts nor profiles are unpacked.
static void leave_out_what_is_not_used(png_structp png) {
#ifdef PNG_HANDLE_AS_UNKNOWN_SUPPORTED
  static const png_byte names[] =
      "iCCP\0tEXt\0zTXt\0iTXt\0sPLT\0hIST\0pCAL\0sCAL\0bKGD\0gAMA\0cHRM\0sBIT\0sRGB\0tIME\0pHYs\0oFFs";
  png_set_keep_unknown_chunks(
      png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
#endif
  png_set_chunk_malloc_max(png, 1 << 20);
  png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
}

/// Whether colours come up in the palette.
static int has_colours(png_structp png, png_infop info) {
  png_colorp colours = NULL;
  int count = 0;
  if (!png_get_PLTE(png, info, &colours, &count)) return 1;
  for (int i = 0; i < count; i++)
    if (colours[i].red != colours[i].green || colours[i].red != colours[i].blue) return 1;
  return 0;
}

/// What is known before the pixels. 0 where nothing more is to be read.
static int read_head(png_structp png, png_infop info, source *from) {
  fn_picture *picture = from->picture;
  png_read_info(png, info);
  int type = png_get_color_type(png, info);
  picture->width = png_get_image_width(png, info);
  picture->height = png_get_image_height(png, info);
  // zlib expands at most 1032-fold.
  if (!fn_picture_fits(
          picture, png_get_rowbytes(png, info) * picture->height / 1032, from->size))
    return 0;
  int is_colour = type == PNG_COLOR_TYPE_PALETTE ? has_colours(png, info)
                                                 : (type & PNG_COLOR_MASK_COLOR) != 0;
  picture->own_channels = is_colour ? 3 : 1;
  int has_alpha = (type & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, info, PNG_INFO_tRNS);
  if (has_alpha) picture->flags |= FN_PICTURE_ALPHA;
  if (png_get_bit_depth(png, info) == 16) picture->flags |= FN_PICTURE_DEEP;
#ifdef PNG_eXIf_SUPPORTED
  png_uint_32 length = 0;
  png_bytep exif = NULL;
  if (png_get_eXIf_1(png, info, &length, &exif) && exif)
    picture->orientation = fn_exif_orientation(exif, length);
#endif
  return 1;
}

/// Reads all rows, each of `channels` in the end.
static void read_rows(png_structp png, png_infop info, source *from, int channels) {
  fn_picture *picture = from->picture;
  png_set_expand(png);
  png_set_scale_16(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  from->channels = png_get_channels(png, info);
  uint64_t length = picture->width * (uint64_t)from->channels;
  if (png_get_rowbytes(png, info) != length) png_error(png, "rows of another length");
  uint64_t kept = picture->width * (uint64_t)(passes > 1 ? from->channels : channels);
  picture->pixels = malloc(picture->height * kept);
  if (passes == 1) from->row = malloc(length);
  if (!picture->pixels || (passes == 1 && !from->row)) fn_give_up(FN_EXIT_MEMORY);
  // An interlaced picture is only known as a whole.
  for (int pass = 0; pass < passes; pass++)
    for (uint64_t y = 0; y < picture->height; y++) {
      unsigned char *place = picture->pixels + y * kept;
      png_read_row(png, passes > 1 ? place : from->row, NULL);
      if (passes == 1)
        fn_convert_pixels(from->row, from->channels, place, channels, picture->width);
    }
  png_read_end(png, NULL);
  if (passes == 1) return;
  uint64_t count = picture->width * picture->height;
  if (from->channels >= channels) {
    fn_convert_pixels(picture->pixels, from->channels, picture->pixels, channels, count);
    return;
  }
  unsigned char *wide = malloc(count * (uint64_t)channels);
  if (!wide) fn_give_up(FN_EXIT_MEMORY);
  fn_convert_pixels(picture->pixels, from->channels, wide, channels, count);
  free(picture->pixels);
  picture->pixels = wide;
}

void fn_decode_png(const unsigned char *bytes, uint64_t size, int channels, fn_picture *picture) {
  source *from = calloc(1, sizeof *from);
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, picture, fail, pass_over);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!from || !info) fn_give_up(FN_EXIT_MEMORY);
  *from = (source){.bytes = bytes, .size = size, .picture = picture};
  if (setjmp(png_jmpbuf(png)) == 0) {
    png_set_read_fn(png, from, take);
    png_set_user_limits(png, FN_PICTURE_PIXELS, FN_PICTURE_PIXELS);
    leave_out_what_is_not_used(png);
    if (read_head(png, info, from) && channels > 0) read_rows(png, info, from, channels);
  }
  png_destroy_read_struct(&png, &info, NULL);
  free(from->row);
  free(from);
}
#endif

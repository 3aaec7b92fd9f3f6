// JPEG through libjpeg-turbo.
#ifdef FN_WITH_IMAGES
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "picture.h"

typedef struct {
  // libjpeg's own come first: it knows only those.
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf way_out;
  fn_picture *picture;
  unsigned char *row;
} state;

static state *state_of(j_common_ptr jpeg) { return (state *)(void *)jpeg->err; }

static void give_up(j_common_ptr jpeg) {
  char text[JMSG_LENGTH_MAX];
  state *own = state_of(jpeg);
  jpeg->err->format_message(jpeg, text);
  fn_picture_fail(own->picture, FN_PICTURE_DAMAGED, text);
  longjmp(own->way_out, 1);
}

/// libjpeg goes on with grey where data are damaged, and warns. A picture is whole here, or none.
static void warn(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF: case JWRN_HIT_MARKER: case JWRN_HUFF_BAD_CODE: case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL: case JWRN_BOGUS_PROGRESSION: case JWRN_ARITH_BAD_CODE:
      give_up(jpeg);
    default: return;
  }
}

static void say_nothing(j_common_ptr jpeg) { (void)jpeg; }

/// Scans cost time for the whole picture each, and take few bytes.
static void look_at_progress(j_common_ptr jpeg) {
  if (!jpeg->is_decompressor || ((j_decompress_ptr)jpeg)->input_scan_number <= 200) return;
  state *own = state_of(jpeg);
  fn_picture_fail(own->picture, FN_PICTURE_DAMAGED, "more than 200 scans");
  longjmp(own->way_out, 1);
}

static int exif_orientation(j_decompress_ptr jpeg) {
  for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker; marker = marker->next)
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6 &&
        memcmp(marker->data, "Exif\0\0", 6) == 0)
      return fn_exif_orientation(marker->data + 6, marker->data_length - 6);
  return 1;
}

/// What is known before the pixels. 0 where nothing more is to be read.
static int read_head(j_decompress_ptr jpeg, fn_picture *picture, uint64_t size) {
  jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(jpeg, TRUE);
  picture->width = jpeg->image_width;
  picture->height = jpeg->image_height;
  // A block of 64 pixels takes at least a bit.
  if (!fn_picture_fits(picture, picture->width * picture->height / 512, size)) return 0;
  picture->own_channels = jpeg->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  picture->orientation = exif_orientation(jpeg);
  switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE: jpeg->out_color_space = JCS_GRAYSCALE; return 1;
    case JCS_YCbCr: case JCS_RGB: jpeg->out_color_space = JCS_RGB; return 1;
    case JCS_CMYK: case JCS_YCCK:
      jpeg->out_color_space = JCS_CMYK;
      if (jpeg->saw_Adobe_marker) return 1;
      fn_picture_fail(
          picture, FN_PICTURE_KIND, "a JPEG of CMYK that does not say whether ink is 0 or 255");
      return 0;
    default:
      fn_picture_fail(picture, FN_PICTURE_KIND, "a JPEG of neither grey, RGB nor CMYK");
      return 0;
  }
}

/// What remains of `light` under `ink`, both of 255.
static inline unsigned char remains(unsigned ink, unsigned light) {
  unsigned product = ink * light + 128;
  return (unsigned char)(light - (((product >> 8) + product) >> 8));
}

/// Adobe's CMYK, in which no ink is 255, becomes RGB in place, as Pillow converts it.
static void convert_inks(unsigned char *row, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    unsigned light = row[4 * i + 3];
    for (int c = 0; c < 3; c++) row[3 * i + (uint64_t)c] = remains(255 - row[4 * i + (uint64_t)c], light);
  }
}

static void read_rows(j_decompress_ptr jpeg, state *own, int channels) {
  fn_picture *picture = own->picture;
  jpeg_start_decompress(jpeg);
  uint64_t width = jpeg->output_width;
  int from = jpeg->output_components;
  own->row = malloc(width * (uint64_t)from);
  picture->pixels = malloc(width * jpeg->output_height * (uint64_t)channels);
  if (!own->row || !picture->pixels) fn_give_up(FN_EXIT_MEMORY);
  unsigned char *to = picture->pixels;
  for (; jpeg->output_scanline < jpeg->output_height; to += width * (uint64_t)channels) {
    JSAMPROW row = own->row;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (from == 4) convert_inks(own->row, width);
    fn_convert_pixels(own->row, from == 4 ? 3 : from, to, channels, width);
  }
  jpeg_finish_decompress(jpeg);
}

void fn_decode_jpeg(const unsigned char *bytes, uint64_t size, int channels, fn_picture *picture) {
  struct jpeg_decompress_struct *jpeg = calloc(1, sizeof *jpeg);
  state *own = calloc(1, sizeof *own);
  if (!jpeg || !own) fn_give_up(FN_EXIT_MEMORY);
  own->picture = picture;
  jpeg->err = jpeg_std_error(&own->errors);
  own->errors.error_exit = give_up;
  own->errors.emit_message = warn;
  own->errors.output_message = say_nothing;
  own->progress.progress_monitor = look_at_progress;
  if (setjmp(own->way_out) == 0) {
    jpeg_create_decompress(jpeg);
    jpeg->progress = &own->progress;
    jpeg_mem_src(jpeg, bytes, size);
    if (read_head(jpeg, picture, size) && channels > 0) read_rows(jpeg, own, channels);
  }
  jpeg_destroy_decompress(jpeg);
  free(own->row);
  free(own);
  free(jpeg);
}
#endif

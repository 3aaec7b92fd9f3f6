#include "include/CUnpack.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  struct inflate_state state;
  fn_job *job;
  /// The first bytes.
  unsigned char start[FN_UNPACK_START];
  /// Where bytes go without a ring.
  unsigned char *piece;
  /// Bytes that were unpacked.
  uint64_t count;
  int fault, error, is_refused;
} unpacking;

/// Passes a piece on; what nobody takes is not unpacked any further.
static void pass_on(unpacking *work, const unsigned char *bytes, uint64_t length) {
  if (length == 0) return;
  if (work->count < FN_UNPACK_START) {
    uint64_t room = FN_UNPACK_START - work->count;
    memcpy(work->start + work->count, bytes, length < room ? length : room);
  }
  work->count += length;
  if (work->job->ring)
    work->is_refused = !fn_ring_pass(work->job, length);
  else
    work->is_refused = write(work->job->stream, bytes, length) != (ssize_t)length;
}

/// Unpacks up to `count` bytes in all.
static void unpack_to(unpacking *work, uint64_t count) {
  unsigned char *room = NULL;
  while (work->count < count && work->fault == FN_UNPACK_DONE && !work->is_refused &&
         work->state.block_state != ISAL_BLOCK_FINISH) {
    uint64_t most = count - work->count < FN_RING_BYTES ? count - work->count : FN_RING_BYTES;
    // A part of the ring that nothing was passed on of is still there.
    if (!room) room = work->job->ring ? fn_ring_room(work->job) : work->piece;
    if (!room) {
      work->is_refused = 1;
      return;
    }
    work->state.next_out = room;
    work->state.avail_out = (uint32_t)most;
    uint32_t before = work->state.avail_in;
    int status = isal_inflate(&work->state);
    uint64_t length = most - work->state.avail_out;
    pass_on(work, room, length);
    if (length > 0) room = NULL;
    if (status < ISAL_DECOMP_OK) {
      work->fault = FN_UNPACK_DAMAGED;
      work->error = status;
    } else if (
        length == 0 && before == work->state.avail_in &&
        work->state.block_state != ISAL_BLOCK_FINISH) {
      work->fault = FN_UNPACK_CUT;
    }
  }
}

/// Bytes of an element of IDX' types of whole numbers; 0 for others.
static uint64_t idx_size(unsigned char type) {
  return type == 8 || type == 9 ? 1 : type == 11 ? 2 : type == 12 ? 4 : 0;
}

/// The length that an IDX file of whole numbers has by its own account; 0 for anything else.
/// Layout: two zeros, the type, the rank, an extent of 4 bytes per axis, most significant first.
static uint64_t idx_length(const unsigned char *start, uint64_t count, uint64_t limit) {
  if (count < 4 || start[0] != 0 || start[1] != 0) return 0;
  uint64_t rank = start[3], head = 4 + 4 * rank, length = idx_size(start[2]);
  if (length == 0) return 0;
  if (head > count) return 0;
  for (uint64_t axis = 0; axis < rank; axis++) {
    const unsigned char *extent = start + 4 + 4 * axis;
    length *= (uint64_t)extent[0] << 24 | (uint64_t)extent[1] << 16 | (uint64_t)extent[2] << 8 |
              extent[3];
    if (length == 0 || length > limit) return 0;
  }
  return head + length;
}

/// Where the packed bytes are over: those that were taken in for the bits to come count as not read.
static uint64_t trailing(const unpacking *work) {
  return work->state.avail_in + (uint64_t)(work->state.read_in_length / 8);
}

static void unpack(unpacking *work, uint64_t limit, int is_any) {
  if (is_any) {
    // A byte more is asked for so that the trailer is read.
    unpack_to(work, limit + 1);
    if (work->count > limit) work->fault = FN_UNPACK_TOO_LONG;
    return;
  }
  unpack_to(work, FN_UNPACK_START);
  uint64_t length = idx_length(
      work->start, work->count < FN_UNPACK_START ? work->count : FN_UNPACK_START, limit);
  if (length == 0) {
    if (work->fault == FN_UNPACK_DONE) work->fault = FN_UNPACK_OTHER;
    return;
  }
  unpack_to(work, length);
  // What is left must be the trailer: a byte more is asked for so that it is read.
  unpack_to(work, length + 1);
  if (work->count > length) work->fault = FN_UNPACK_TOO_LONG;
}

static const char *reason(int error) {
  switch (error) {
    case ISAL_INVALID_BLOCK: return "an invalid block";
    case ISAL_INVALID_SYMBOL: return "an invalid code";
    case ISAL_INVALID_LOOKBACK: return "a distance too far back";
    case ISAL_INVALID_WRAPPER: return "no gzip header";
    case ISAL_UNSUPPORTED_METHOD: return "an unknown compression method";
    case ISAL_INCORRECT_CHECKSUM: return "an incorrect data check";
    default: return "an error of ISA-L's without a name";
  }
}

int fn_unpack(fn_job *job) {
  uint64_t limit;
  int is_any = job->kind == FN_UNPACK_ANY;
  if ((job->kind != FN_UNPACK_GZIP && !is_any) || job->request_size < sizeof limit)
    return FN_EXIT_WORK;
  memcpy(&limit, job->request, sizeof limit);
  if (job->size > UINT32_MAX || job->stream < 0) return FN_EXIT_WORK;
  unpacking *work = calloc(1, sizeof *work);
  if (!work) return FN_EXIT_MEMORY;
  work->job = job;
  if (!job->ring) work->piece = malloc(FN_RING_BYTES);
  if (!job->ring && !work->piece) return FN_EXIT_MEMORY;
  isal_inflate_init(&work->state);
  work->state.crc_flag = ISAL_GZIP;
  work->state.next_in = (uint8_t *)(uintptr_t)job->bytes;
  work->state.avail_in = (uint32_t)job->size;
  unpack(work, limit, is_any);
  const char *text = work->fault == FN_UNPACK_DAMAGED ? reason(work->error) : "";
  fn_table_begin(&job->table, FN_RECORD_UNPACKED);
  fn_table_number(&job->table, (uint64_t)work->fault);
  fn_table_number(&job->table, work->count);
  fn_table_number(&job->table, trailing(work));
  fn_table_text(&job->table, text, strlen(text));
  fn_table_end(&job->table);
  free(work->piece);
  free(work);
  return FN_EXIT_DONE;
}

/// Any program that has this code can be started as the helper: the one that is made for it starts faster.
__attribute__((constructor)) static void run_if_asked(int argc, char **argv) {
  static const fn_work unpacking_work = {0, 0, fn_unpack, 1};
  fn_helper_run_if_asked(argc, argv, FN_UNPACKER_NAME, &unpacking_work);
}

// The helper's work: one request about one file.
#include <setjmp.h>
#include <string.h>
#include <unistd.h>

#include "include/CReader.h"
#include "parts.h"

void fn_write_fault(fn_table *table, int fault, const char *text) {
  fn_table_begin(table, FN_RECORD_FAULT);
  fn_table_number(table, (uint64_t)fault);
  fn_table_text(table, text, strlen(text));
  fn_table_end(table);
}

/// Where `fn_give_up` goes; NULL in a helper.
static _Thread_local jmp_buf *way_out;

void fn_give_up(int code) {
  if (way_out) longjmp(*way_out, code);
  _exit(code);
}

static int work(fn_job *job) {
  fn_source request = {job->request, job->request_size, 0, 0};
  switch (job->kind) {
    case FN_READ_NUMPY: return fn_read_numpy(&job->table, job->bytes, job->size, &request);
    case FN_READ_TABLE: return fn_read_table(&job->table, job->bytes, job->size, &request);
#ifdef FN_WITH_HDF5
    case FN_READ_HDF5: return fn_read_hdf5(&job->table, job->bytes, job->size, &request);
    case FN_READ_ARCHIVE: return fn_read_archive(&job->table, job->bytes, job->size, &request);
#endif
#ifdef FN_WITH_MATIO
    case FN_READ_MATLAB: return fn_read_matlab(&job->table, job->bytes, job->size, &request);
#endif
#ifdef FN_WITH_IMAGES
    case FN_READ_PICTURES: return fn_read_pictures(&job->table, job->bytes, job->size, &request);
#endif
    default: return FN_EXIT_WORK;
  }
}

int fn_read(fn_job *job) {
  jmp_buf here;
  int code = setjmp(here);
  if (code == 0) {
    way_out = &here;
    code = work(job);
  }
  way_out = NULL;
  return code == FN_EXIT_DONE && job->table.is_full ? FN_EXIT_FULL : code;
}

#ifndef FN_WITH_HDF5
void fn_read_prepare(void) {}
#endif

int fn_read_open(fn_job *job) {
#ifdef FN_WITH_MATIO
  if (job->kind == FN_READ_MATLAB) return fn_open_matlab(job);
#endif
  (void)job;
  return -1;
}

/// Any program that has this code can be started as the helper: the one that is made for it starts faster.
__attribute__((constructor)) static void run_if_asked(int argc, char **argv) {
  static const fn_work reading = {fn_read_prepare, fn_read_open, work, 0};
  fn_helper_run_if_asked(argc, argv, FN_READER_NAME, &reading);
}

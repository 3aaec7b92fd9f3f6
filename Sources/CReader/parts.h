// What one request may lead to.
#pragma once
#include "include/CReader.h"
#include "request.h"

void fn_write_fault(fn_table *table, int fault, const char *text);

int fn_read_hdf5(fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request);
int fn_read_archive(fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request);
int fn_read_numpy(fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request);
int fn_read_table(fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request);

#ifdef FN_WITH_IMAGES
int fn_read_pictures(fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request);
#endif

#ifdef FN_WITH_MATIO
/// Opens the file for libmatio, which needs one. Returns its descriptor; -1 where it is none that libmatio reads.
int fn_open_matlab(const fn_job *job);
int fn_read_matlab(fn_table *table, const unsigned char *bytes, uint64_t size, fn_source *request);
#endif

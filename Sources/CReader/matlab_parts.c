// Fields of MATLAB's structs, and texts as names of classes.
#ifdef FN_WITH_MATIO
#include <string.h>

#include "matlab.h"
#include "parts.h"
#include "table/names.h"
#include "utf8.h"

int fn_matlab_has_fields(const matvar_t *variable) {
  return variable->class_type == MAT_C_STRUCT && variable->data && fn_matlab_count(variable) == 1;
}

matvar_t *fn_matlab_field(matvar_t *variable, const char *path) {
  while (variable && *path) {
    char name[256];
    size_t length = strcspn(path, ".");
    if (!fn_matlab_has_fields(variable) || length >= sizeof name) return NULL;
    memcpy(name, path, length);
    name[length] = 0;
    variable = Mat_VarGetStructFieldByName(variable, name, 0);
    path += length + (path[length] == '.');
  }
  return variable;
}

/// Units of a text: its bytes where it is UTF-8, whose characters its extents count, else its elements.
static size_t length_of(const matvar_t *text) {
  return text->data_type == MAT_T_UTF8 ? text->nbytes : fn_matlab_count(text);
}

/// Characters of a text of MATLAB's, `stride` from one to the next, in UTF-8 without spaces at the end. `room`: for 4 bytes
/// each, which is what a field takes from then on.
static fn_field text_of(const matvar_t *text, size_t start, size_t count, size_t stride, char *room) {
  char *to = room;
  const unsigned char *bytes = text->data;
  const uint16_t *units = text->data;
  int isUTF8 = text->data_type == MAT_T_UTF8;
  for (uint64_t i = 0; i < count; i++) {
    size_t place = start + i * stride;
    if (text->data_size == 1) {
      if (isUTF8) *to++ = (char)bytes[place];
      else to = fn_put_character(to, bytes[place]);
      continue;
    }
    to = fn_put_character(to, fn_utf16_character(units, start, stride, count, &i));
  }
  while (to > room && to[-1] == ' ') to--;
  return (fn_field){.text = (unsigned char *)room, .length = (uint64_t)(to - room)};
}

static int is_text(const matvar_t *variable) {
  return variable && variable->class_type == MAT_C_CHAR && variable->rank == 2 && variable->dims &&
         (variable->data || fn_matlab_count(variable) == 0) &&
         (variable->data_size == 1 || variable->data_size == 2) &&
         variable->nbytes / (size_t)variable->data_size >= fn_matlab_count(variable);
}

void fn_write_matlab_names(fn_table *table, mat_t *file, matvar_t *variable, const char *name) {
  int is_cell = variable->class_type == MAT_C_CELL;
  if (variable->rank != 2 || Mat_VarReadDataAll(file, variable) != 0 || !variable->data) return;
  size_t count = is_cell ? fn_matlab_count(variable) : variable->dims[0], characters = 0;
  matvar_t **cells = variable->data;
  if (!is_cell && !is_text(variable)) return;
  for (size_t i = 0; is_cell && i < count; i++) {
    if (!is_text(cells[i]) || cells[i]->dims[0] > 1) return;
    characters += length_of(cells[i]);
  }
  // Rows of characters of several bytes have no places that one could know.
  if (!is_cell && length_of(variable) != fn_matlab_count(variable)) return;
  if (!is_cell) characters = fn_matlab_count(variable);
  if (count == 0 || characters > UINT32_MAX) return;
  fn_field *fields = fn_keep(count * sizeof *fields);
  char *place = fn_keep(4 * characters + 1);
  for (size_t i = 0; i < count; i++) {
    size_t length = is_cell ? length_of(cells[i]) : variable->dims[1];
    fields[i] = is_cell ? text_of(cells[i], 0, length, 1, place)
                        : text_of(variable, i, length, count, place);
    place += 4 * length;
  }
  fn_write_labels(table, name, strlen(name), fields, count);
  fn_release();
}
#endif

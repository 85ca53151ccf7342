/* testdata.c - ONNX's test folders: input_N.pb and output_N.pb
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "testdata.h"
#include "files.h"
#include "onnx/read.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 1 << 30, MAX_FILES = 1024 };

/* A deep malloced copy; strings behind their table. */
static mote_status copy_array(mote_array *to, const mote_array *from, mote_diag *diag)
{
    size_t n = mote_array_count(from), bytes = from->bytes;
    const mote_string *s = from->data;
    for (size_t i = 0; from->dtype == MOTE_DTYPE_STRING && i < n; i++)
        bytes += s[i].length;
    *to = *from;
    to->data = malloc(bytes == 0 ? 1 : bytes);
    if (to->data == NULL)
        return MOTE_NO_MEMORY(diag, bytes);
    if (from->dtype != MOTE_DTYPE_STRING) {
        if (from->bytes != 0)
            memcpy(to->data, from->data, from->bytes);
        return MOTE_OK;
    }
    char *p = (char *)to->data + from->bytes;
    for (size_t i = 0; i < n; i++) {
        if (s[i].length != 0)
            memcpy(p, s[i].data, s[i].length);
        ((mote_string *)to->data)[i] = (mote_string){p, s[i].length};
        p += s[i].length;
    }
    return MOTE_OK;
}

static mote_status read_one(const char *path, named_arrays *list, const char *name, mote_diag *diag)
{
    void *bytes;
    size_t n;
    MOTE_TRY(file_read(path, FILE_LIMIT, &bytes, &n, diag));
    mote_heap heap;
    mote_arena arena;
    mote_heap_init(&heap, NULL, FILE_LIMIT);
    mote_arena_init(&arena, &heap);
    mote_array a, copy = {0};
    mote_str own;
    mote_diag why = MOTE_DIAG_INIT;
    mote_status status = mote_onnx_read_tensor(&arena, bytes, n, &a, &own, &why);
    if (status != MOTE_OK)
        mote_fail(diag, status, "%s: %s", path, why.message);
    if (status == MOTE_OK)
        status = copy_array(&copy, &a, diag);
    if (status == MOTE_OK) {
        named_array *grown = realloc(list->items, (list->n + 1) * sizeof *grown);
        char *label = own.n != 0 ? strndup(own.p, own.n) : strdup(name);
        if (grown != NULL)
            list->items = grown;
        if (grown == NULL || label == NULL) {
            free(label);
            free(copy.data);
            status = MOTE_NO_MEMORY(diag, list->n);
        } else {
            list->items[list->n++] = (named_array){label, copy};
        }
    }
    mote_arena_deinit(&arena);
    free(bytes);
    return status;
}

mote_status testdata_read(const mote_model *model, const char *folder, named_arrays *in, named_arrays *out, mote_diag *diag)
{
    for (int outputs = 0; outputs < 2; outputs++) {
        named_arrays *list = outputs ? out : in;
        size_t value = 0, n_values = outputs ? mote_model_output_count(model) : mote_model_input_count(model);
        for (size_t i = 0; i < MAX_FILES; i++, value++) {
            char path[8192];
            snprintf(path, sizeof path, "%s/%s_%zu.pb", folder, outputs ? "output" : "input", i);
            if (access(path, F_OK) != 0)
                break;
            mote_value_info info = MOTE_VALUE_INFO_INIT;
            while (value < n_values && !outputs && mote_model_input_info(model, value, &info) == MOTE_OK && info.optional)
                value++;
            if (value < n_values)
                (void)(outputs ? mote_model_output_info(model, value, &info) : mote_model_input_info(model, value, &info));
            MOTE_TRY(read_one(path, list, info.name != NULL ? info.name : "", diag));
        }
    }
    return MOTE_OK;
}

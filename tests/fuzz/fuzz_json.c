/* fuzz_json.c - the JSON reader: any bytes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t visit(const mote_json *j)
{
    size_t n = 1;
    if (j->kind == MOTE_JSON_STRING && j->u.string.p[j->u.string.n] != 0)
        abort();
    if (j->kind == MOTE_JSON_ARRAY || j->kind == MOTE_JSON_OBJECT)
        for (const mote_json *m = j->u.items.first; m != NULL; m = m->next)
            n += visit(m);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mote_heap heap;
    mote_arena arena;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_json *root;
    mote_heap_init(&heap, NULL, 64 << 20);
    mote_arena_init(&arena, &heap);
    mote_status status = mote_json_parse(&arena, (mote_str){(const char *)data, size}, &root, &diag);
    if ((status == MOTE_OK) != (root != NULL) || diag.code != status)
        abort();
    if (root != NULL && visit(root) > MOTE_JSON_MAX_VALUES)
        abort();
    mote_arena_deinit(&arena);
    if (heap.used != 0)
        abort();
    return 0;
}

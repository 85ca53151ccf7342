/* fuzz_regex.c - regular expressions: any bytes as pattern and, behind a NUL, as text
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/regex.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 1: the text matches, 0: it does not, -1: no pattern. */
static int answer(mote_str pattern, mote_str text, mote_status *status)
{
    mote_heap heap;
    mote_arena arena;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_regex *r;
    int found = -1;
    mote_heap_init(&heap, NULL, 64 << 20);
    mote_arena_init(&arena, &heap);
    *status = mote_regex_compile(&arena, pattern, &r, &diag);
    if ((*status == MOTE_OK) != (r != NULL) || diag.code != *status)
        abort();
    if (r != NULL) {
        found = mote_regex_matches(r, text);
        if (found != mote_regex_matches(r, text)) /* nothing stays from a match */
            abort();
    }
    mote_arena_deinit(&arena);
    if (heap.used != 0)
        abort();
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size != 0 ? memchr(data, 0, size) : NULL;
    const size_t n = end != NULL ? (size_t)(end - data) : size, used = end != NULL ? n + 1 : size;
    const mote_str pattern = {(const char *)data, n}, text = {(const char *)data + used, size - used};
    mote_status status, again;
    const int found = answer(pattern, text, &status);
    bool quotes = false; /* \Q would swallow the bracket */
    for (size_t i = 0; i + 1 < n; i++)
        quotes = quotes || (data[i] == '\\' && data[i + 1] == 'Q');
    if (status != MOTE_OK || quotes)
        return 0;
    char *group = malloc(n + 4); /* (?:p) is p */
    if (group == NULL)
        return 0;
    memcpy(group, "(?:", 3);
    memcpy(group + 3, data, n);
    group[n + 3] = ')';
    const int grouped = answer((mote_str){group, n + 4}, text, &again);
    free(group);
    if (again != MOTE_E_LIMIT && grouped != found)
        abort();
    return 0;
}

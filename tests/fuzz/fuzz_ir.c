/* fuzz_ir.c - text of the IR: whatever parses, prints and parses again to the same text
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "graph/graph.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mote_heap heap;
    mote_heap_init(&heap, NULL, (size_t)256 << 20);
    mote_module *m, *again, *copy;
    if (mote_module_parse(&heap, (mote_str){(const char *)data, size}, &m, NULL) != MOTE_OK)
        return 0;
    mote_text first, second;
    mote_text_init(&first, &heap);
    mote_text_init(&second, &heap);
    mote_module_print(m, &first, true);
    if (mote_graph_sort(m->graph, NULL) != MOTE_OK || mote_module_verify(m, NULL) != MOTE_OK)
        abort();
    if (!first.failed && mote_module_parse(&heap, (mote_str){first.p, first.n}, &again, NULL) == MOTE_OK) {
        mote_module_print(again, &second, true);
        if (second.failed || second.n != first.n || memcmp(first.p, second.p, first.n) != 0)
            abort();
        mote_module_destroy(&again);
    } else if (!first.failed && first.n < 1000000) {
        abort();
    }
    if (mote_module_clone(m, &heap, &copy) == MOTE_OK) {
        if (mote_module_verify(copy, NULL) != MOTE_OK)
            abort();
        mote_module_destroy(&copy);
    }
    mote_text_deinit(&first);
    mote_text_deinit(&second);
    mote_module_destroy(&m);
    if (heap.used != 0)
        abort();
    return 0;
}

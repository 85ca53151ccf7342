/* fuzz_onnx.c - the ONNX reader and writer: any bytes; what is read is written, read again and written to the same bytes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/read.h"
#include "onnx/write.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(mote_heap *heap, const mote_module *m)
{
    void *first, *second;
    size_t n, k;
    mote_module *again;
    mote_onnx_files *files;
    mote_diag diag = MOTE_DIAG_INIT;
    if (mote_onnx_write_memory(m, heap, &first, &n, NULL) != MOTE_OK)
        return;
    if (mote_onnx_read_memory(heap, first, n, &(mote_onnx_read_options){.copy = true}, &again, &files, &diag) != MOTE_OK) {
        if (diag.code != MOTE_E_MEMORY && diag.code != MOTE_E_LIMIT)
            abort();
        mote_heap_free(heap, first, n);
        return;
    }
    if (mote_onnx_write_memory(again, heap, &second, &k, &diag) == MOTE_OK) {
        if (n != k || memcmp(first, second, n) != 0)
            abort();
        mote_heap_free(heap, second, k);
    } else if (diag.code != MOTE_E_MEMORY) {
        abort();
    }
    mote_module_destroy(&again);
    mote_onnx_files_destroy(&files);
    mote_heap_free(heap, first, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mote_heap heap;
    mote_module *m;
    mote_onnx_files *files;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_heap_init(&heap, NULL, (size_t)256 << 20);
    mote_status status = mote_onnx_read_memory(&heap, data, size, &(mote_onnx_read_options){.copy = true}, &m, &files, &diag);
    if ((status == MOTE_OK) != (m != NULL) || diag.code != status || status == MOTE_E_INTERNAL || status == MOTE_E_MEMORY)
        abort();
    if (status == MOTE_OK) {
        if (mote_module_verify(m, NULL) != MOTE_OK)
            abort();
        round_trip(&heap, m);
    } else if (heap.peak > (size_t)64 << 20) {
        abort();
    }
    mote_module_destroy(&m);
    mote_onnx_files_destroy(&files);
    if (heap.used != 0)
        abort();
    return 0;
}

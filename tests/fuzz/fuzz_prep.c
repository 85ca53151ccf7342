/* fuzz_prep.c - descriptions of preprocessing: any bytes; what is taken is used on a small picture and a short sound
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/prep/prep.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t live, most;

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    if (bytes > (64u << 20) - live)
        return NULL;
    live += bytes;
    most = live > most ? live : most;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void counted_free(void *ctx, void *p, size_t bytes)
{
    (void)ctx;
    if (p != NULL)
        live -= bytes;
    free(p);
}

static void use(const mote_prep_input *in, const mote_allocator *a)
{
    static const uint8_t pixels[5 * 7 * 3] = {1, 200, 3};
    static float out[3 * 64 * 64], sound[800];
    mote_image image = MOTE_IMAGE_INIT;
    mote_image_map map = MOTE_IMAGE_MAP_INIT;
    image.width = 7, image.height = 5, image.planes[0] = pixels, image.stride_bytes[0] = 21;
    if (in->kind == MOTE_PREP_IMAGE && mote_image_prep_map(&in->image, 7, 5, &map, NULL) == MOTE_OK && map.width <= 64 && map.height <= 64) {
        const int64_t channels = in->image.channels == MOTE_CHANNELS_GRAY ? 1 : 3;
        const int64_t first[3] = {channels, map.height, map.width}, last[3] = {map.height, map.width, channels};
        mote_tensor t = MOTE_TENSOR_INIT;
        if (mote_tensor_describe(&t, MOTE_DTYPE_F32, 3, in->image.layout == MOTE_LAYOUT_NHWC ? last : first, out) != MOTE_OK ||
            mote_image_to_tensor(&image, &in->image, &t, 0, &map, a, NULL) == MOTE_E_SHAPE)
            abort();
    }
    if (in->framed && in->frames.n_fft <= 1024 && mote_frames_count(&in->frames, 800) * (in->frames.n_mfcc != 0 ? in->frames.n_mfcc : in->frames.n_mels) <= 3 * 64 * 64)
        (void)mote_frames_compute(&in->frames, sound, 800, out, a, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const mote_allocator a = {sizeof a, NULL, counted_alloc, counted_free};
    mote_prep_options o = MOTE_PREP_OPTIONS_INIT;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_prep *p;
    o.allocator = &a;
    const mote_status status = mote_prep_create(NULL, (const char *)data, size, &o, &p, &diag);
    if ((status == MOTE_OK) != (p != NULL) || diag.code != status || (status != MOTE_OK && diag.message[0] == 0))
        abort();
    for (size_t i = 0; p != NULL && i < mote_prep_input_count(p); i++)
        use(mote_prep_input_at(p, i), &a);
    mote_prep_destroy(&p);
    if (live != 0)
        abort();
    return 0;
}

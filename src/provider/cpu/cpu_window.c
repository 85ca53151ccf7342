/* cpu_window.c - a node's sliding window in the form that kernels read
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_window.h"
#include "ops/forms.h"

bool mote_cpu_window_of(const mote_lower *l, const int64_t *kernel, size_t bytes, mote_conv_window *window)
{
    const mote_array *x = l->in[0];
    const int32_t r = x->rank - 2;
    mote_window w;
    if (r < 1 || r > 2 || mote_window_of(l->node, r, kernel, x->dims + 1, &w, NULL) != MOTE_OK)
        return false;
    const int32_t v = r - 1; /* the last spatial dimension; the first, when there are two, is 0 */
    *window = (mote_conv_window){.h = 1, .oh = 1, .kh = 1, .stride_h = 1, .dilation_h = 1};
    if (r == 2) {
        window->h = (size_t)w.in[0], window->oh = (size_t)w.out[0], window->kh = (size_t)w.kernel[0];
        window->stride_h = (size_t)w.stride[0], window->dilation_h = (size_t)w.dilation[0], window->pad_top = (size_t)w.pad_begin[0];
    }
    window->w = (size_t)w.in[v], window->ow = (size_t)w.out[v], window->kw = (size_t)w.kernel[v];
    window->stride_w = (size_t)w.stride[v], window->dilation_w = (size_t)w.dilation[v], window->pad_left = (size_t)w.pad_begin[v];
    return window->h > 0 && window->w > 0 && window->oh > 0 && window->ow > 0 && x->dims[0] > 0 &&
           mote_size_mul((size_t)x->dims[r + 1], bytes, &window->pixel_bytes) && mote_size_mul(window->pixel_bytes, window->h * window->w, &window->image_bytes);
}

size_t mote_cpu_window_inside(size_t o, size_t stride, size_t k, size_t dilation, size_t pad, size_t in, size_t pad_end, bool padding)
{
    size_t n = 0;
    for (size_t i = 0; i < k; i++) {
        const size_t at = o * stride + i * dilation; /* in the padded input */
        n += padding ? at < pad + in + pad_end : at >= pad && at < pad + in;
    }
    return n;
}

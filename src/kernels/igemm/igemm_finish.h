/* igemm_finish.h - what becomes of a tile's sums; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0
 * finish writes t's m rows. sum: m rows of w lanes; from_zero: without bias and a's zero point, which are added here. */

static VTARGET void finish(const mote_igemm_tile *t, const int32_t *sum, size_t w, bool from_zero)
{
    const int32_t *head = t->b;
    const vi zero = vi_set(t->zero);
    const vf lo = vf_set(t->lo), hi = vf_set(t->hi);
    for (size_t j = 0; j < t->n; j += 16) {
        const size_t n = t->n - j < 16 ? t->n - j : 16;
        const vi start = from_zero ? vi_sub(vi_load(head + j), vi_mul(vi_set(t->az), vi_load(head + w + j))) : vi_set(0), bz = vi_load(head + 3 * w + j);
        const vf scale = !t->f32 ? vf_load((const float *)(const void *)(head + 2 * w + j)) : t->one_real ? vf_set(*t->real) : vf_loadn(t->real + j, n);
        const vf add = t->f32 && t->add != NULL ? vf_loadn(t->add + j, n) : vf_set(0);
        for (size_t i = 0; i < t->m; i++) {
            vi x = vi_add(vi_load(sum + i * w + j), start);
            if (t->sums != NULL)
                x = vi_sub(x, vi_mul(bz, vi_set(t->sums[i])));
            if (t->s32) {
                int32_t *y = (int32_t *)t->y + i * t->y_stride + j, part[16];
                vi_store(n == 16 ? y : part, x);
                if (n != 16)
                    memcpy(y, part, n * sizeof *y);
                continue;
            }
            if (t->f32) {
                const vf v = vf_mul(vi_to_f(x), scale);
                vf_storen((float *)t->y + i * t->y_stride + j, n, t->add != NULL ? vf_add(v, add) : v);
                continue;
            }
            /* lo and hi are whole: rounding comes last. NaN becomes lo */
            x = vi_add(vf_to_i(vf_min(vf_max(vf_mul(vi_to_f(x), scale), lo), hi)), zero);
            uint8_t *y = (uint8_t *)t->y + i * t->y_stride + j, part[16];
            vi_store_8(n == 16 ? y : part, x);
            if (n != 16)
                memcpy(y, part, n);
        }
    }
}

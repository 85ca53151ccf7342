/* igemm_finish_tmpl.h - what becomes of a tile's sums; include after a vec_*.h, with TILE_NV, the vectors of 16 columns of the widest tile
 * SPDX-License-Identifier: Apache-2.0
 * finish writes t's m rows. sum: m rows of w lanes; from_zero: without bias and a's zero point, which are added here. */

/* Bytes: columns outermost, their constants in registers. */
static VTARGET void finish_8(const mote_igemm_tile *t, const int32_t *sum, size_t w, bool from_zero)
{
    const int32_t *head = t->b, *sums = t->sums;
    const size_t m = t->m, y_stride = t->y_stride;
    const vi zero = vi_set(t->zero);
    const vf lo = vf_set(t->lo), hi = vf_set(t->hi);
    for (size_t j = 0, n = t->n; j < n; j += 16) {
        const size_t left = n - j < 16 ? n - j : 16;
        const vi start = from_zero ? vi_sub(vi_load(head + j), vi_mul(vi_set(t->az), vi_load(head + w + j))) : vi_set(0), bz = vi_load(head + 3 * w + j);
        const vf scale = vf_load((const float *)(const void *)(head + 2 * w + j));
        uint8_t *y = (uint8_t *)t->y + j, part[16];
        for (size_t i = 0; i < m; i++, y += y_stride) {
            vi x = vi_add(vi_load(sum + i * w + j), start);
            if (sums != NULL)
                x = vi_sub(x, vi_mul(bz, vi_set(sums[i])));
            /* lo and hi are whole: rounding comes last. NaN becomes lo */
            x = vi_add(vf_to_i(vf_min(vf_max(vf_mul(vi_to_f(x), scale), lo), hi)), zero);
            vi_store_8(left == 16 ? y : part, x);
            if (left != 16)
                memcpy(y, part, left);
        }
    }
}

/* s32 or f32: rows outermost, since they lie far apart. */
VF void finish_32(const mote_igemm_tile *t, const int32_t *sum, size_t w, bool from_zero, size_t vectors)
{
    const int32_t *head = t->b, *sums = t->sums;
    const size_t m = t->m, y_stride = t->y_stride, left = t->n - 16 * (vectors - 1);
    const bool s32 = t->s32, with_add = !s32 && t->add != NULL;
    vi start[3], bz[3];
    vf scale[3], add[3];
    for (size_t v = 0; v < vectors; v++) {
        const size_t j = 16 * v, n = v + 1 < vectors ? 16 : left;
        start[v] = from_zero ? vi_sub(vi_load(head + j), vi_mul(vi_set(t->az), vi_load(head + w + j))) : vi_set(0);
        bz[v] = vi_load(head + 3 * w + j);
        scale[v] = s32 ? vf_set(0) : t->one_real ? vf_set(*t->real) : vf_loadn(t->real + j, n);
        add[v] = with_add ? vf_loadn(t->add + j, n) : vf_set(0);
    }
    float *y = t->y; /* or int32_t: moved as bits */
    for (size_t i = 0; i < m; i++, sum += w, y += y_stride)
        for (size_t v = 0; v < vectors; v++) {
            vi x = vi_add(vi_load(sum + 16 * v), start[v]);
            if (sums != NULL)
                x = vi_sub(x, vi_mul(bz[v], vi_set(sums[i])));
            vf r = s32 ? vf_from_bits(x) : vf_mul(vi_to_f(x), scale[v]);
            if (with_add)
                r = vf_add(r, add[v]);
            if (v + 1 < vectors || left == 16)
                vf_store(y + 16 * v, r);
            else
                vf_storen(y + 16 * v, left, r);
        }
}

static VTARGET void finish(const mote_igemm_tile *t, const int32_t *sum, size_t w, bool from_zero)
{
    if (!t->s32 && !t->f32)
        finish_8(t, sum, w, from_zero);
    else if (TILE_NV == 1 || w == 16)
        finish_32(t, sum, w, from_zero, 1);
    else if (TILE_NV == 2 || w == 32)
        finish_32(t, sum, w, from_zero, 2);
    else
        finish_32(t, sum, w, from_zero, 3);
}

/* nbits_tmpl.h - the bodies of nbits.h; include after a vec_*.h of 16 lanes
 * SPDX-License-Identifier: Apache-2.0 */

VF vf nbits_w(vi q, vf zero, vf scale) { return vf_mul(vf_sub(vi_to_f(q), zero), scale); }
/* Two rows: q0, q1 */
#define PAIR_4(p, q0, q1)                                                                                              \
    const vi both = vi_load_u8(p), q0 = vi_and(both, vi_set(15)), q1 = vi_srl(both, 4);
#define PAIR_8(p, q0, q1)                                                                                              \
    const vi q0 = vi_load_u8(p), q1 = vi_load_u8((p) + 16);

#define ZERO(g, at) ((g)->zero != NULL ? vf_load((g)->zero + (at)) : vf_set((g)->middle))

#define GEMV(bits, width, G)                                                                                           \
    static VTARGET void gemv_u##bits##_##G(const mote_nbits_groups *g, const float *x, const float *bias, float *y)     \
    {                                                                                                                  \
        vf c[G];                                                                                                       \
        for (int i = 0; i < G; i++)                                                                                    \
            c[i] = vf_load(bias + 16 * i);                                                                             \
        for (size_t k = 0, b = 0; k < g->k; b++) {                                                                     \
            const size_t end = k + g->block < g->k ? k + g->block : g->k;                                              \
            vf s[G], z[G];                                                                                             \
            for (int i = 0; i < G; i++) {                                                                              \
                s[i] = vf_load(g->scale + (size_t)i * g->param_step + 16 * b);                                          \
                z[i] = ZERO(g, (size_t)i * g->param_step + 16 * b);                                                     \
            }                                                                                                          \
            for (; k + 2 <= end; k += 2) {                                                                             \
                const vf x0 = vf_set(x[k]), x1 = vf_set(x[k + 1]);                                                     \
                for (int i = 0; i < G; i++) {                                                                          \
                    PAIR_##bits(g->q + (size_t)i * g->q_step + k / 2 * width, q0, q1)                                   \
                    c[i] = vf_fma(x0, nbits_w(q0, z[i], s[i]), c[i]);                                                  \
                    c[i] = vf_fma(x1, nbits_w(q1, z[i], s[i]), c[i]);                                                  \
                }                                                                                                      \
            }                                                                                                          \
            if (k < end) {                                                                                             \
                for (int i = 0; i < G; i++) {                                                                          \
                    PAIR_##bits(g->q + (size_t)i * g->q_step + k / 2 * width, q0, q1)                                   \
                    (void)q1;                                                                                          \
                    c[i] = vf_fma(vf_set(x[k]), nbits_w(q0, z[i], s[i]), c[i]);                                        \
                }                                                                                                      \
                k++;                                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
        for (int i = 0; i < G; i++)                                                                                    \
            vf_store(y + 16 * i, c[i]);                                                                                \
    }

#define NBITS(bits, width)                                                                                             \
    VTARGET void VNAME(mote_nbits_unpack_u##bits##_f32)(const mote_nbits_groups *g, size_t k0, size_t k1, float *y, size_t step) \
    {                                                                                                                  \
        for (size_t k = k0; k < k1;) {                                                                                 \
            const size_t b = k / g->block, end = (b + 1) * g->block < k1 ? (b + 1) * g->block : k1;                    \
            const vf s = vf_load(g->scale + 16 * b), z = ZERO(g, 16 * b);                                              \
            for (; k + 2 <= end; k += 2, y += 2 * step) {                                                              \
                PAIR_##bits(g->q + k / 2 * width, q0, q1)                                                              \
                vf_store(y, nbits_w(q0, z, s));                                                                        \
                vf_store(y + step, nbits_w(q1, z, s));                                                                 \
            }                                                                                                          \
            if (k < end) {                                                                                             \
                PAIR_##bits(g->q + k / 2 * width, q0, q1)                                                              \
                (void)q1;                                                                                              \
                vf_store(y, nbits_w(q0, z, s));                                                                        \
                k++;                                                                                                   \
                y += step;                                                                                             \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    GEMV(bits, width, 1)                                                                                               \
    GEMV(bits, width, 4)                                                                                               \
    VTARGET void VNAME(mote_nbits_gemv_f32_u##bits##_f32)(const mote_nbits_groups *g, size_t groups, const float *x, const float *bias, float *y) \
    {                                                                                                                  \
        if (groups == 4) {                                                                                             \
            gemv_u##bits##_4(g, x, bias, y);                                                                           \
            return;                                                                                                    \
        }                                                                                                              \
        mote_nbits_groups one = *g;                                                                                    \
        for (size_t i = 0; i < groups; i++) {                                                                          \
            gemv_u##bits##_1(&one, x, bias + 16 * i, y + 16 * i);                                                      \
            one.q += one.q_step;                                                                                       \
            one.scale += one.param_step;                                                                               \
            one.zero = one.zero != NULL ? one.zero + one.param_step : NULL;                                            \
        }                                                                                                              \
    }

NBITS(4, 16)
NBITS(8, 32)

/* attend_tmpl.h - the bodies of attend.h; include after a vec_*.h of 16 lanes
 * SPDX-License-Identifier: Apache-2.0 */

/* One key with R rows: the key's vectors are loaded once. */
#define DOT(R)                                                                                                         \
    static VTARGET void dot_##R(const float *q, size_t q_step, const float *k, size_t k_step, size_t n, size_t d, float scale, float *s, size_t s_step) \
    {                                                                                                                  \
        const size_t whole = d / 16 * 16;                                                                              \
        for (size_t j = 0; j < n; j++, k += k_step) {                                                                  \
            vf c[R];                                                                                                   \
            for (int r = 0; r < R; r++)                                                                                \
                c[r] = vf_set(0.0f);                                                                                   \
            for (size_t t = 0; t < whole; t += 16) {                                                                   \
                const vf x = vf_load(k + t);                                                                           \
                for (int r = 0; r < R; r++)                                                                            \
                    c[r] = vf_fma(vf_load(q + (size_t)r * q_step + t), x, c[r]);                                        \
            }                                                                                                          \
            if (whole < d) {                                                                                           \
                const vf x = vf_loadn(k + whole, d - whole);                                                           \
                for (int r = 0; r < R; r++)                                                                            \
                    c[r] = vf_fma(vf_loadn(q + (size_t)r * q_step + whole, d - whole), x, c[r]);                        \
            }                                                                                                          \
            for (int r = 0; r < R; r++)                                                                                \
                s[(size_t)r * s_step + j] = vf_hsum(c[r]) * scale;                                                     \
        }                                                                                                              \
    }
DOT(1)
DOT(2)
DOT(3)
DOT(4)

VTARGET void VNAME(mote_attend_dot_f32)(const float *q, size_t q_step, size_t rows, const float *k, size_t k_step, size_t n, size_t d, float scale, float *s,
                                        size_t s_step)
{
    if (rows == 1)
        dot_1(q, q_step, k, k_step, n, d, scale, s, s_step);
    else if (rows == 2)
        dot_2(q, q_step, k, k_step, n, d, scale, s, s_step);
    else if (rows == 3)
        dot_3(q, q_step, k, k_step, n, d, scale, s, s_step);
    else
        dot_4(q, q_step, k, k_step, n, d, scale, s, s_step);
}

/* V vectors of 16 columns, the last of `last` columns. */
#define MIX(V)                                                                                                         \
    static VTARGET void mix_##V(const float *p, const float *v, size_t v_step, size_t n, size_t last, float *y)         \
    {                                                                                                                  \
        vf c[V];                                                                                                       \
        for (int i = 0; i < V; i++)                                                                                    \
            c[i] = vf_set(0.0f);                                                                                       \
        for (size_t j = 0; j < n; j++, v += v_step) {                                                                  \
            const vf x = vf_set(p[j]);                                                                                 \
            for (int i = 0; i + 1 < V; i++)                                                                            \
                c[i] = vf_fma(x, vf_load(v + 16 * i), c[i]);                                                           \
            c[V - 1] = vf_fma(x, last == 16 ? vf_load(v + 16 * (V - 1)) : vf_loadn(v + 16 * (V - 1), last), c[V - 1]);  \
        }                                                                                                              \
        for (int i = 0; i + 1 < V; i++)                                                                                \
            vf_store(y + 16 * i, c[i]);                                                                                \
        vf_storen(y + 16 * (V - 1), last, c[V - 1]);                                                                   \
    }
MIX(1)
MIX(4)

VTARGET void VNAME(mote_attend_mix_f32)(const float *p, size_t p_step, size_t rows, const float *v, size_t v_step, size_t n, size_t e, float *y, size_t y_step)
{
    for (size_t t = 0; t < e;) {
        const size_t take = e - t >= 64 ? 64 : e - t < 16 ? e - t : 16;
        for (size_t r = 0; r < rows; r++)
            if (take == 64)
                mix_4(p + r * p_step, v + t, v_step, n, 16, y + r * y_step + t);
            else
                mix_1(p + r * p_step, v + t, v_step, n, take, y + r * y_step + t);
        t += take;
    }
}

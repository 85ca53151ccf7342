/* recurrent_tmpl.h - the bodies of recurrent.h on sixteen lanes; include after a vec_*.h and vec_math_tmpl.h
 * SPDX-License-Identifier: Apache-2.0 */

/* m lanes at p: whole vectors by the plain instructions */
VF vf rec_load(const float *p, size_t m) { return m == 16 ? vf_load(p) : vf_loadn(p, m); }
VF void rec_store(float *p, size_t m, vf x)
{
    if (m == 16)
        vf_store(p, x);
    else
        vf_storen(p, m, x);
}

VTARGET void VNAME(mote_recurrent_lstm_f32)(const float *gates, float *c, float *h, size_t n)
{
    for (size_t j = 0; j < n; j += 16) {
        const size_t m = n - j < 16 ? n - j : 16;
        vf i = vec_sigmoid(rec_load(gates + j, m)), o = vec_sigmoid(rec_load(gates + n + j, m));
        vf f = vec_sigmoid(rec_load(gates + 2 * n + j, m)), g = vec_tanh(rec_load(gates + 3 * n + j, m));
        vf cell = vf_fma(f, rec_load(c + j, m), vf_mul(i, g));
        rec_store(c + j, m, cell);
        rec_store(h + j, m, vf_mul(o, vec_tanh(cell)));
    }
}

VTARGET void VNAME(mote_recurrent_gru_gates_f32)(float *gates, const float *h, float *reset, size_t n)
{
    for (size_t j = 0; j < n; j += 16) {
        const size_t m = n - j < 16 ? n - j : 16;
        rec_store(gates + j, m, vec_sigmoid(rec_load(gates + j, m)));
        vf r = vec_sigmoid(rec_load(gates + n + j, m));
        rec_store(gates + n + j, m, r);
        if (reset != NULL)
            rec_store(reset + j, m, vf_mul(r, rec_load(h + j, m)));
    }
}

VTARGET void VNAME(mote_recurrent_gru_state_f32)(const float *gates, const float *recurrence, float *h, size_t n)
{
    for (size_t j = 0; j < n; j += 16) {
        const size_t m = n - j < 16 ? n - j : 16;
        vf z = rec_load(gates + j, m), v = rec_load(gates + 2 * n + j, m);
        if (recurrence != NULL)
            v = vf_fma(rec_load(gates + n + j, m), rec_load(recurrence + j, m), v);
        v = vf_mul(vf_sub(vf_set(1.0f), z), vec_tanh(v));
        rec_store(h + j, m, vf_fma(z, rec_load(h + j, m), v));
    }
}

r"""Tests of the paper's theory: Lemma 1, Theorem 2 and an error in their proof.

Appendix B analyses the update with unnormalised weights and the whole clean set,

.. math:: \theta_{t+1} = \theta_t - \frac{\alpha}{n} \sum_{i \in B_t}
        \max\{\langle \nabla G, \nabla f_i \rangle, 0\} \nabla f_i ,

where :math:`G` is the mean loss of the clean set, of which all examples are training examples too.
On problems whose constants are known in closed form, both statements become inequalities without a
free constant, which a simulation can refute. Notation: N training examples, M clean ones, batches
of n; L is the Lipschitz constant of :math:`\nabla G`, :math:`\sigma` bounds
:math:`\|\nabla f_i\|`, p is the probability that a batch has a given clean example, and the
alignment of a step is

.. math:: \mathcal{T}_t = \sum_{i \in B_t} \max\{\langle \nabla G, \nabla f_i \rangle, 0\}^2 .

The corrected proof is a chain of three links:

(a) **Descent.** By smoothness :math:`G(\theta_{t+1}) \le G(\theta_t) - \langle \nabla G, d
    \rangle + \frac{L}{2} \|d\|^2` for the step d. The inner product is
    :math:`\frac{\alpha}{n} \mathcal{T}_t`; by the Cauchy-Schwarz inequality :math:`\|d\|^2 \le
    \frac{\alpha^2}{n^2} \, n \, \sigma^2 \mathcal{T}_t`. So, whatever the batch,
    :math:`G(\theta_{t+1}) \le G(\theta_t) - \kappa \mathcal{T}_t` with :math:`\kappa =
    \frac{\alpha}{n} (1 - \frac{1}{2} L \alpha \sigma^2)`. The paper loses the n of
    Cauchy-Schwarz and prints :math:`\frac{\alpha}{n} (1 - \frac{1}{2n} L \alpha \sigma^2)`.
(b) **Telescoping.** :math:`\kappa \sum_{t \le T} \mathcal{T}_t \le G(\theta_0) - G^*`, so some
    t has :math:`E \mathcal{T}_t \le (G(\theta_0) - G^*) / (\kappa (T + 1))`.
(c) **Alignment and gradient.** The mean over the clean examples of :math:`\langle \nabla G,
    \nabla f_j \rangle` is :math:`\|\nabla G\|^2`, so one of them has at least that, and
    :math:`E[\mathcal{T}_t | \theta_t] \ge p \|\nabla G\|^4`. Jensen's inequality gives
    :math:`(E \|\nabla G\|^2)^2 \le E \|\nabla G\|^4`.

Together: :math:`\min_{t \le T} E \|\nabla G(\theta_t)\|^2 \le C / \sqrt{T + 1}` with
:math:`C = \sqrt{(G(\theta_0) - G^*) / (p \kappa)}`.
"""

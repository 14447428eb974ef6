"""What stored models may name, exactly, and what each name may be used for.

Lists of dangerous names are incomplete by nature, and names of whole packages let in what is
dangerous inside them. So a name counts only if it stands here, or if it is a class that
`classes` shows to run no code of its own while it is loaded. Two lists are kept apart: what may
only be *named* (a function that an estimator was given), and what may be *called* during loading
(`calls`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Verdict = Literal["harmless", "dangerous", "unknown"]


class Name(NamedTuple):
    """What a file imports: the module, and the name inside it."""

    module: str
    name: str

    def __str__(self) -> str:
        text = (
            f"{self.module}.{self.name}"  # of an untrusted file: terminals obey control characters
        )
        return "".join(c if c.isprintable() else "?" for c in text)


def listed(table: dict[str, str]) -> frozenset[Name]:
    """Return the names of a table from modules to words."""
    return frozenset(Name(m, n) for m, names in table.items() for n in names.split())


# ---- may be named, as the argument of an estimator; never called while a file is loaded --------

_UFUNCS = """
abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan
atan2 atanh bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or
bitwise_right_shift bitwise_xor cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide
divmod equal exp exp2 expm1 fabs float_power floor floor_divide fmax fmin fmod frexp gcd greater
greater_equal heaviside hypot invert isfinite isinf isnan isnat lcm ldexp left_shift less less_equal
log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor matmul
matrix_transpose maximum minimum mod modf multiply negative nextafter not_equal positive pow power
rad2deg radians reciprocal remainder right_shift rint sign signbit sin sinh spacing sqrt square
subtract tan tanh true_divide trunc vecdot
"""
_ARRAY_FUNCTIONS = """
all amax amin angle any argmax argmin argsort around array asarray ascontiguousarray atleast_1d
atleast_2d average clip column_stack concatenate corrcoef cov cumprod cumsum diff dot expand_dims
flip full_like hstack imag inner interp isclose linspace max mean median min nan_to_num nanmax
nanmean nanmedian nanmin nanpercentile nanquantile nanstd nansum nanvar ones_like outer percentile
prod ptp quantile ravel real repeat reshape roll round searchsorted sort squeeze stack std sum take
tile transpose unique var vstack where zeros_like
"""
_SCALARS = """
bool bool_ bytes_ complex128 complex64 complexfloating datetime64 double float16 float32 float64
floating generic inexact int16 int32 int64 int8 intc integer intp longdouble number object_
signedinteger single str_ timedelta64 uint16 uint32 uint64 uint8 uintc uintp unsignedinteger void
"""
_PLAIN_TYPES = "bool bytes complex dict float frozenset int list object set str tuple"
_RATES = """
accuracy_score balanced_accuracy_score brier_score_loss class_likelihood_ratios cohen_kappa_score
confusion_matrix d2_brier_score d2_log_loss_score f1_score fbeta_score hamming_loss hinge_loss
jaccard_score log_loss matthews_corrcoef multilabel_confusion_matrix precision_recall_fscore_support
precision_score recall_score zero_one_loss
"""
_ERRORS = """
d2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score max_error
mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss
mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance
median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error
"""
_PAIRWISE = """
additive_chi2_kernel chi2_kernel cosine_distances cosine_similarity euclidean_distances
haversine_distances laplacian_kernel linear_kernel manhattan_distances nan_euclidean_distances
paired_cosine_distances paired_euclidean_distances paired_manhattan_distances polynomial_kernel
rbf_kernel sigmoid_kernel
"""
_RANKS = """
auc average_precision_score coverage_error dcg_score det_curve label_ranking_average_precision_score
label_ranking_loss ndcg_score precision_recall_curve roc_auc_score roc_curve top_k_accuracy_score
"""
_CLUSTERS = """
adjusted_mutual_info_score adjusted_rand_score completeness_score entropy fowlkes_mallows_score
homogeneity_score mutual_info_score normalized_mutual_info_score rand_score v_measure_score
"""
_DISTANCES = """
braycurtis canberra chebyshev cityblock correlation cosine dice euclidean hamming jaccard
jensenshannon mahalanobis minkowski rogerstanimoto russellrao seuclidean sokalsneath sqeuclidean
yule
"""
BITS_BY_MODULE = {
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64 PCG64DXSM",
    "numpy.random._philox": "Philox",
    "numpy.random._sfc64": "SFC64",
    "numpy.random.bit_generator": "SeedSequence",
}
_LOSS = "sklearn.linear_model._sgd_fast"
TORCH_STORAGES = """
BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage
DoubleStorage FloatStorage HalfStorage IntStorage LongStorage ShortStorage
"""
TORCH_DTYPES = """
bfloat16 bool complex128 complex64 float16 float32 float64 int16 int32 int64 int8 uint8
"""
VALUES = listed(
    {
        **BITS_BY_MODULE,
        "builtins": _PLAIN_TYPES,
        "collections": "Counter OrderedDict defaultdict deque",
        "numpy": f"{_UFUNCS} {_ARRAY_FUNCTIONS} {_SCALARS} matrix ndarray",
        "numpy.ma": "MaskedArray",
        "numpy.ma.core": "MaskedArray",
        "numpy.random._pickle": "__bit_generator_ctor",
        "scipy._lib.array_api_compat.numpy._aliases": "asarray",
        "scipy.spatial.distance": _DISTANCES,
        "scipy.special._ufuncs": "erf erfinv expit gammaln log_expit log_ndtr logit ndtr xlog1py "
        "xlogy",
        "scipy.stats._stats_py": "f_oneway",
        "sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd",
        "sklearn.feature_extraction.text": "strip_accents_ascii strip_accents_unicode strip_tags",
        "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
        "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_oneway f_regression "
        "r_regression",
        "sklearn.metrics._classification": _RATES,
        "sklearn.metrics._ranking": _RANKS,
        "sklearn.metrics._regression": _ERRORS,
        "sklearn.metrics.cluster._supervised": _CLUSTERS,
        "sklearn.metrics.cluster._unsupervised": "calinski_harabasz_score davies_bouldin_score "
        "silhouette_score",
        "sklearn.metrics.pairwise": _PAIRWISE,
        "sklearn.preprocessing._data": "binarize maxabs_scale minmax_scale normalize "
        "quantile_transform robust_scale scale",
        "sklearn.preprocessing._function_transformer": "_identity",
        "torch": f"{TORCH_STORAGES} {TORCH_DTYPES} Size device",
        "torch.storage": "UntypedStorage",
    }
)
# Methods of str that FunctionTransformer, CountVectorizer and others are given. `format` is not
# among them: its template can read attributes of what it is given.
TEXT_METHODS = frozenset(
    "capitalize casefold encode lower lstrip rstrip split splitlines strip swapcase title upper".split()  # noqa: SIM905, E501
)
# Constructors written in C that take numbers only, and hold nothing else.
NUMBER_CLASSES = listed(
    {
        _LOSS: "EpsilonInsensitive Hinge Huber Log ModifiedHuber SquaredEpsilonInsensitive "
        "SquaredHinge SquaredLoss CyHalfBinomialLoss CyHalfSquaredError CyHuberLoss "
        "CyModifiedHuberLoss CyHingeLoss",
        "sklearn._loss._loss": "CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss "
        "CyHalfGammaLoss CyHalfMultinomialLoss CyHalfPoissonLoss CyHalfSquaredError "
        "CyHalfTweedieLoss CyHalfTweedieLossIdentity CyHuberLoss CyPinballLoss",
    }
)

# Classes written in C, of which empty instances are made that then get a state.
BITS = listed(BITS_BY_MODULE)
_TREES = listed(
    {
        "sklearn.neighbors._ball_tree": "BallTree BallTree32 BallTree64 BinaryTree",
        "sklearn.neighbors._kd_tree": "KDTree KDTree32 KDTree64 BinaryTree",
    }
)
_KINDS = "BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Mahalanobis"
_KINDS += " Manhattan Minkowski RogersTanimoto RussellRao SEuclidean SokalMichener SokalSneath"
METRICS = frozenset(
    Name("sklearn.metrics._dist_metrics", f"{kind}Distance{bits}")
    for kind in _KINDS.split()
    for bits in ("32", "64", "")
)
COMPILED = _TREES | METRICS
TREE = Name("sklearn.tree._tree", "Tree")

# ---- dangerous: only to say so; what is on no list is refused all the same --------------------

_DANGEROUS = frozenset(
    """
    __builtin__ _aix_support _asyncio _bz2 _ctypes _io _osx_support _pickle _posixsubprocess
    _pyrepl _sitebuiltins _socket _thread _winapi aifc asyncio atexit bdb builtins bz2 cProfile
    cffi cgi cloudpickle code codecs codeop commands compileall contextlib copyreg ctypes dbm
    dill distutils doctest ensurepip execnet fabric faulthandler fcntl fileinput ftplib
    functools gc getpass glob gzip http httpx idlelib imaplib imp importlib inspect invoke io
    itertools joblib lib2to3 linecache logging loky lzma marshal mmap modulefinder msilib
    multiprocess multiprocessing netrc nntplib nt ntpath operator os paramiko pathlib pdb
    pexpect pickle pickletools pip pkg_resources pkgutil platform poplib popen2 posix posixpath
    profile pstats pty py_compile pydoc readline requests resource rlcompleter runpy sched
    select selectors setuptools sh shelve shlex shutil signal site smtplib socket socketserver
    sqlite3 ssl subprocess symtable sys sysconfig tarfile tempfile test threading timeit tkinter
    trace traceback tty turtle types unittest urllib urllib2 uuid venv virtualenv webbrowser
    winreg wsgiref xmlrpc xml zipapp zipfile zipimport
    """.split()  # noqa: SIM905 - a list of words reads best as a text
)
_DANGEROUS_INSIDE = (
    "numpy.distutils",
    "numpy.f2py",
    "numpy.lib",
    "numpy.testing",
    "pandas.core.computation",
    "pandas.io",
    "scipy._lib",
    "scipy.io",
    "sklearn.utils._testing",
    "torch._dynamo",
    "torch._inductor",
    "torch.distributed",
    "torch.fx",
    "torch.hub",
    "torch.jit",
    "torch.package",
    "torch.serialization",
    "torch.utils",
)
_DANGEROUS_NAMES = listed(
    {
        "numpy": "DataSource fromfile fromregex genfromtxt load loadtxt memmap save savetxt savez",
        "pandas": "eval read_csv read_json read_parquet read_pickle read_sql read_table "
        "read_excel read_html read_xml to_pickle",
        "torch": "classes compile hub jit load ops save",
        "torch.storage": "_load_from_bytes",
        "keras.models": "load_model",
        "tensorflow": "io py_function numpy_function",
    }
)
_ATTRIBUTE_CHAINS = (
    "__builtins__",
    "__class__",
    "__dict__",
    "__globals__",
    "__import__",
    "__loader__",
    "__subclasses__",
    "eval",
    "exec",
    "importlib",
    "os",
    "popen",
    "subprocess",
    "sys",
    "system",
)


def is_dangerous(name: Name) -> bool:
    """Say whether a name is known to run commands or code, or to reach files or the network."""
    if name in _DANGEROUS_NAMES or name.module.split(".")[0] in _DANGEROUS:
        return True
    if any(f"{name.module}.".startswith(f"{inside}.") for inside in _DANGEROUS_INSIDE):
        return True
    return bool(set(name.name.split(".")).intersection(_ATTRIBUTE_CHAINS))

#include <Python.h>

/* Calls `step` so many times from C, in an interpreter that begins and ends here. */
static int run(int calls) {
    Py_InitializeEx(0);
    PyRun_SimpleString("def step(number):\n    return sum(range(number))\n");
    PyObject *step = PyObject_GetAttrString(PyImport_AddModule("__main__"), "step");
    for (int call = 0; call < calls; call++) {
        Py_XDECREF(PyObject_CallFunction(step, "i", 500));
    }
    Py_XDECREF(step);
    return Py_FinalizeEx();
}

int main(void) {
    return run(2000) || run(1000);
}

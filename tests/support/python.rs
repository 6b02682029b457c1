//! A Python in a tree of a test.

/// A Python with mpi4py, of which a case brings the extension. `@` is the version of its C library.
pub const PYTHON: &str = r#"
[[file]]
path = "/py/bin/python3.11"
elf = { needed = ["libc.so.6"], interpreter = "/lib64/ld-linux-x86-64.so.2", defines = ["PyModule_Create2"] }
[[file]]
path = "/bin/sh"
elf = { needed = ["libc.so.6"], interpreter = "/lib64/ld-linux-x86-64.so.2" }
[[file]]
path = "/lib64/ld-linux-x86-64.so.2"
elf = { soname = "ld-linux-x86-64.so.2", text = ["/lib64/", "ld.so (GNU libc) stable release version @"] }
[[file]]
path = "/lib64/libc.so.6"
elf = { soname = "libc.so.6", defines_versions = ["GLIBC_2.14", "GLIBC_2.34", "GLIBC_2.38"] }
[[file]]
path = "/py/lib/python3.11/site.py"
text = ""
[[file]]
path = "/py/lib/python3.11/os.py"
text = ""
[[file]]
path = "/py/lib/python3.11/_sysconfigdata__linux_x86_64-linux-gnu.py"
text = "build_time_vars = {'Py_DEBUG': 0, 'ABIFLAGS': '', 'SOABI': 'cpython-311-x86_64-linux-gnu', 'VERSION': '3.11'}\n"
[[directory]]
path = "/py/lib/python3.11/lib-dynload"
[[file]]
path = "/venv/pyvenv.cfg"
text = "home = /py/bin\ninclude-system-site-packages = false\nversion = 3.11.7\n"
[[link]]
path = "/venv/bin/python3"
target = "/py/bin/python3.11"
[[file]]
path = "/venv/lib/python3.11/site-packages/mpi4py/__init__.py"
text = ""
[[file]]
path = "/venv/lib/python3.11/site-packages/mpi4py-4.0.0.dist-info/METADATA"
text = "Metadata-Version: 2.1\nName: mpi4py\nVersion: 4.0.0\n\n"
"#;

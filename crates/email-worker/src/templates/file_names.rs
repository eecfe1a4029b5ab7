// Read by build.rs too. Every language has all of these.
[
    "window.txt",
    "code.subject.txt",
    "code.txt",
    "code.html",
    "registration_repeated.subject.txt",
    "registration_repeated.txt",
    "registration_repeated.html",
]

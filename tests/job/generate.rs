//! Random job scripts from a grammar of constructs, harmless to run: they only call `probe`, `true`, `false` and `uname`.

/// A source of numbers that is the same everywhere.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Variables that `probe` reports.
pub(crate) const NAMES: [&str; 5] = ["A", "B", "C", "OMP_NUM_THREADS", "N"];

/// A variable that holds numbers only: what is no expression ends more in bash than is followed.
const NUMBER: &str = "M";

/// A script of a few statements, the last of which shows every variable.
pub(crate) fn script(numbers: &mut Numbers) -> String {
    let mut out = format!("#!/bin/bash\n#SBATCH -N 2\n{NUMBER}=3\n");
    if numbers.below(8) == 0 {
        out.push_str("set -a\n");
    }
    for _ in 0..4 + numbers.below(8) {
        statement(numbers, 0, "", &mut out);
    }
    out.push_str("probe last \"$A\" \"$B\" \"$C\" \"$OMP_NUM_THREADS\" \"$N\" ${L[@]}\n");
    out
}

fn statement(numbers: &mut Numbers, depth: usize, indent: &str, out: &mut String) {
    let kind = numbers.below(if depth < 3 { 22 } else { 12 });
    if 11 < kind {
        return compound(kind, numbers, depth, indent, out);
    }
    let line = match kind {
        0..=2 => format!("{}={}", name(numbers), word(numbers)),
        3 => format!("export {}={} {}", name(numbers), word(numbers), name(numbers)),
        4 => format!("{}+={}", name(numbers), word(numbers)),
        5 => format!("probe {} {}", word(numbers), word(numbers)),
        6 => format!("{}={} probe {}", name(numbers), word(numbers), word(numbers)),
        7 => format!("(( M = {} ))", arithmetic(numbers, 0)),
        8 => format!("L=({} {} {}); L+=({})", word(numbers), word(numbers), word(numbers), word(numbers)),
        9 => format!("unset {}", name(numbers)),
        10 => format!("{} {} probe joined {}", test(numbers), numbers.one(&["&&", "||"]), word(numbers)),
        _ => format!("declare -x {}={}", name(numbers), word(numbers)),
    };
    out.push_str(&format!("{indent}{line}\n"));
}

fn compound(kind: usize, numbers: &mut Numbers, depth: usize, indent: &str, out: &mut String) {
    let inner = format!("{indent}  ");
    let mut line = |text: String| out.push_str(&format!("{indent}{text}\n"));
    match kind {
        12 | 13 => {
            line(format!("if {}; then", test(numbers)));
            block(numbers, depth, &inner, out);
            if numbers.below(2) == 0 {
                out.push_str(&format!("{indent}elif {}; then\n", test(numbers)));
                block(numbers, depth, &inner, out);
            }
            if numbers.below(2) == 0 {
                out.push_str(&format!("{indent}else\n"));
                block(numbers, depth, &inner, out);
            }
            out.push_str(&format!("{indent}fi\n"));
        }
        14 | 15 => {
            line(format!("for C in {} {} {{1..2}}; do", word(numbers), word(numbers)));
            block(numbers, depth, &inner, out);
            if numbers.below(3) == 0 {
                out.push_str(&format!("{inner}{} && {}\n", test(numbers), numbers.one(&["break", "continue"])));
            }
            out.push_str(&format!("{indent}done\n"));
        }
        16 => {
            line(format!("case {} in", word(numbers)));
            for _ in 0..2 {
                out.push_str(&format!("{inner}{}) ", numbers.one(&["a*", "*4", "x|y", "[0-9]*", "\"a b\"", "?"])));
                statement(numbers, depth + 1, "", out);
                out.push_str(&format!("{inner}  {}\n", numbers.one(&[";;", ";&", ";;&"])));
            }
            out.push_str(&format!("{inner}*) probe other ;;\n{indent}esac\n"));
        }
        17 => {
            line("f() {".to_owned());
            if numbers.below(2) == 0 {
                out.push_str(&format!("{inner}local {}={}\n", name(numbers), word(numbers)));
            }
            block(numbers, 2, &inner, out);
            out.push_str(&format!(
                "{inner}probe in_f \"$@\" $#\n{indent}}}\n{indent}f {} {}\n",
                word(numbers),
                word(numbers)
            ));
        }
        _ => simple_block(kind, numbers, depth, indent, out),
    }
}

fn simple_block(kind: usize, numbers: &mut Numbers, depth: usize, indent: &str, out: &mut String) {
    let inner = format!("{indent}  ");
    let mut line = |text: String| out.push_str(&format!("{indent}{text}\n"));
    match kind {
        18 => {
            line("for (( N = 0; N < 3; N++ )); do".to_owned());
            out.push_str(&format!("{inner}probe turn $N {}\n{indent}done\n", word(numbers)));
        }
        19 => {
            line("(".to_owned());
            block(numbers, depth, &inner, out);
            out.push_str(&format!("{indent})\n"));
        }
        20 => {
            line(format!("probe fed <<{}", numbers.one(&["EOF", "'EOF'", "-EOF"])));
            out.push_str("text $A $(uname)\nEOF\n");
        }
        _ => {
            line("N=0".to_owned());
            out.push_str(&format!(
                "{indent}while (( N < 2 )); do\n{inner}probe while $N\n{inner}(( N++ ))\n{indent}done\n"
            ));
        }
    }
}

fn block(numbers: &mut Numbers, depth: usize, indent: &str, out: &mut String) {
    for _ in 0..1 + numbers.below(2) {
        statement(numbers, depth + 1, indent, out);
    }
}

fn name(numbers: &mut Numbers) -> &'static str {
    numbers.one(&NAMES)
}

fn word(numbers: &mut Numbers) -> String {
    let name = name(numbers);
    match numbers.below(24) {
        0 => "x".to_owned(),
        1 => "4".to_owned(),
        2 => "a.b.c".to_owned(),
        3 => "'a b'".to_owned(),
        4 => format!("\"${name} c\""),
        5 => format!("${name}"),
        6 => format!("${{{name}}}"),
        7 => format!("${{{name}:-7}}"),
        8 => format!("${{{name}:=9}}"),
        9 => format!("\"${{{name}:+yes}}\""),
        10 => format!("${{{name}{}}}", numbers.one(&["#*.", "##*.", "%.*", "%%.*", "/a/b", "//./-", "/#a/z", "/%c/z"])),
        11 => format!("${{#{name}}}"),
        12 => format!("\"${{{name}:1}}\""),
        13 => format!("${{{name}:0:2}}"),
        14 => format!("${{{name}^^}}"),
        15 => format!("$(({}))", arithmetic(numbers, 0)),
        16 => format!("$(echo e ${name})"),
        17 => "$(uname)".to_owned(),
        18 => "\"${L[@]}\"".to_owned(),
        19 => "${#L[@]}".to_owned(),
        20 => "\"${L[1]}\"".to_owned(),
        21 => format!("{name}{{1,2}}"),
        22 => "$'t\\tb'".to_owned(),
        _ => format!("\"$(({}))\"", arithmetic(numbers, 0)),
    }
}

fn arithmetic(numbers: &mut Numbers, depth: usize) -> String {
    if 2 < depth || numbers.below(3) == 0 {
        return numbers.one(&["1", "2", "7", "0x1f", "010", "M", "M", "-3", "(2 + 3)"]).to_owned();
    }
    let left = arithmetic(numbers, depth + 1);
    let right = arithmetic(numbers, depth + 1);
    let operator = numbers.one(&["+", "-", "*", "/", "%", "<<", "&", "|", "^", "&&", "||", "<", "==", ">=", "**", ","]);
    match operator {
        "," => format!("({left}, {right})"),
        "<<" | "**" => format!("({left} {operator} ({right} & 7))"),
        "/" | "%" => format!("{left} {operator} (({right}) | 1)"),
        operator => format!("{left} {operator} {right}"),
    }
}

fn test(numbers: &mut Numbers) -> String {
    let name = name(numbers);
    match numbers.below(12) {
        0 => "true".to_owned(),
        1 => "false".to_owned(),
        2 => format!("[ -n \"${name}\" ]"),
        3 => format!("[ -z \"${name}\" ]"),
        4 => format!("[[ ${name} == a* ]]"),
        5 => format!("[[ ${name} != \"x\" && -n ${name} ]]"),
        6 => format!("[[ ${name} =~ ^[0-9]+$ ]]"),
        7 => format!("(( {} ))", arithmetic(numbers, 1)),
        8 => format!("! [ \"${name}\" = x ]"),
        9 => "[[ $(uname) == L* ]]".to_owned(),
        10 => format!("[ ${{#{name}}} -gt 2 ]"),
        _ => "probe asked".to_owned(),
    }
}

/// The script with one thing taken out or put in: mostly no script any more.
pub(crate) fn broken(script: &str, numbers: &mut Numbers) -> String {
    let lines: Vec<&str> = script.split_inclusive('\n').collect();
    // bash looks at the inside of arithmetic only when it runs.
    let plain: Vec<usize> = (2..lines.len()).filter(|it| !lines[*it].contains("((")).collect();
    let line = plain[numbers.below(plain.len())];
    let mut words: Vec<String> = lines[line].split_inclusive([' ', '\n']).map(str::to_owned).collect();
    let at = numbers.below(words.len());
    let more = ["fi ", "done ", "then ", ") ", "\" ", "' ", "$( ", "; ", "| ", "}\n", "&& ", "[[ ", "case "];
    match numbers.below(4) {
        0 => {
            words.remove(at);
        }
        1 => words.insert(at, numbers.one(&more).to_owned()),
        2 => return lines[..line].concat() + &words[..at].concat(),
        _ => words[at] = words[at].chars().skip(1).collect(),
    }
    lines[..line].concat() + &words.concat() + &lines[line + 1..].concat()
}

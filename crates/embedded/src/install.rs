//! The one command that installs Postgres on this machine, to be told to people; never runs it.

/// The command for this machine; for a certain major version, if one is given.
pub(crate) fn command(major: Option<u32>) -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let command = for_system(std::env::consts::OS, &release, major);
    // Homebrew refuses root, and root has no need of sudo.
    let sudo = !command.starts_with("brew") && !nix::unistd::geteuid().is_root();
    if sudo { format!("sudo {command}") } else { command }
}

/// The command by operating system and the text of `/etc/os-release`.
fn for_system(os: &str, release: &str, major: Option<u32>) -> String {
    let version = |dash: &str| major.map(|major| format!("{dash}{major}")).unwrap_or_default();
    if os == "macos" {
        return format!("brew install postgresql@{}", major.unwrap_or(17));
    }
    let families: Vec<&str> = release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .collect();
    let is = |names: &[&str]| families.iter().any(|family| names.contains(family));
    if is(&["fedora", "rhel", "centos", "amzn"]) {
        format!("dnf install -y postgresql{}-server", version(""))
    } else if is(&["alpine"]) {
        format!("apk add postgresql{}", major.unwrap_or(17))
    } else if is(&["arch"]) {
        "pacman -S --noconfirm postgresql".to_owned()
    } else if is(&["suse", "opensuse"]) {
        format!("zypper install -y postgresql{}-server", version(""))
    } else {
        format!("apt-get install -y postgresql{}", version("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::for_system;

    #[test]
    fn knows_the_usual_systems() {
        let linux = |release, major| for_system("linux", release, major);
        assert_eq!(linux("ID=debian\n", None), "apt-get install -y postgresql");
        assert_eq!(linux("NAME=x\nID=ubuntu\nID_LIKE=debian\n", Some(16)), "apt-get install -y postgresql-16");
        assert_eq!(linux("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", None), "dnf install -y postgresql-server");
        assert_eq!(linux("ID=alpine\n", Some(15)), "apk add postgresql15");
        assert_eq!(
            linux("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", None),
            "zypper install -y postgresql-server"
        );
        assert_eq!(linux("", None), "apt-get install -y postgresql");
        assert_eq!(for_system("macos", "", None), "brew install postgresql@17");
    }
}

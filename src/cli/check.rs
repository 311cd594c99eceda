//! `throttle check` takes the server's flags, too: whoever tries a setting writes it behind the word, too.

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::overrides::Overrides;

/// What is behind `check` on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(
    after_help = "Each flag of the server may stand here, too, to be checked with the rest: see `throttle --help`."
)]
pub struct Check {
    #[command(flatten)]
    overrides: Unlisted,
}

impl Check {
    pub(super) const fn overrides(&self) -> &Overrides {
        &self.overrides.0
    }
}

/// The flags that the help of the server has already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Unlisted(Overrides);

impl FromArgMatches for Unlisted {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Overrides::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Args for Unlisted {
    fn augment_args(command: Command) -> Command {
        Overrides::augment_args(command).mut_args(|flag| flag.hide(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

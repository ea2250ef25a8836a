//! Sequences of steps, taken by a model and by the program side by side: whichever model it is.

use std::{collections::BTreeMap, env, fmt::Debug, time::Instant};

use fastrand::Rng;

use crate::stores::Stores;

const STEPS: usize = 24;

/// How often each kind of step was taken.
pub(crate) type Reached = BTreeMap<String, usize>;

/// What a sequence is about, and how it begins: with steps that chance alone would hardly bring together.
#[derive(Clone, Copy)]
pub(crate) struct Story<C, A: 'static> {
    pub(crate) name: &'static str,
    pub(crate) config: C,
    pub(crate) opening: &'static [A],
}

/// A model and the program, in what must be the same state. What does not fit is an `Err`.
pub(crate) trait Pair<'a>: Sized {
    type Config: Copy;
    type Action: Copy + PartialEq + Debug + 'static;

    /// Both at the start.
    async fn start(stores: &'a Stores, config: Self::Config) -> Result<Self, String>;

    /// Every step that anyone could take now, those among them that must be in vain.
    fn possible(&self) -> Vec<Self::Action>;

    /// How often a step is drawn now. Faults are rarer than what they disturb, or every sequence would end in them.
    fn weight(&self, action: Self::Action) -> u32;

    /// Both take that step.
    async fn step(&mut self, action: Self::Action, reached: &mut Reached) -> Result<(), String>;

    /// What no step should have written is not looked at on the way.
    async fn end(&mut self) -> Result<(), String>;
}

/// Where the two went apart.
#[derive(Debug)]
struct Apart<A> {
    steps: Vec<A>,
    why: String,
}

/// Which steps are taken.
enum Steps<'a, A> {
    /// First those of the opening, then so many that are drawn at random.
    Random { opening: &'a [A], rng: Rng, left: usize },
    /// These.
    Given(&'a [A]),
}

impl<A: Copy + PartialEq> Steps<'_, A> {
    /// The next step, if the sequence goes on. What can't be done when its turn comes is left out.
    fn next(&mut self, possible: &[A], weight: impl Fn(A) -> u32) -> Option<A> {
        match self {
            Self::Given(steps) => first_of(steps, possible),
            Self::Random { opening, rng, left } => first_of(opening, possible).or_else(|| {
                *left = left.checked_sub(1)?;
                drawn(rng, possible, weight)
            }),
        }
    }
}

fn first_of<A: Copy + PartialEq>(steps: &mut &[A], possible: &[A]) -> Option<A> {
    let at = steps.iter().position(|step| possible.contains(step));
    let step = at.map(|at| steps[at]);
    *steps = &steps[at.map_or(steps.len(), |at| at + 1)..];
    step
}

fn drawn<A: Copy>(rng: &mut Rng, possible: &[A], weight: impl Fn(A) -> u32) -> Option<A> {
    let all = possible.iter().map(|action| weight(*action)).sum::<u32>();
    let mut left = if all == 0 { return None } else { rng.u32(..all) };
    possible.iter().copied().find(|action| {
        let weight = weight(*action);
        let is_it = left < weight;
        left = left.saturating_sub(weight);
        is_it
    })
}

/// Walks sequences, each of the next of these stories, and answers what they came to; of fewer than `sequences` nothing, for they need
/// not come to all.
pub(crate) async fn walk<'a, P: Pair<'a>>(
    stores: &'a Stores,
    stories: &[Story<P::Config, P::Action>],
    sequences: u64,
) -> Option<Reached> {
    let started = Instant::now();
    let steps = number("STEPS").map_or(STEPS, |steps| usize::try_from(steps).unwrap());
    let (first, wanted) = match number("SEED") {
        Some(seed) => (seed, 1),
        None => (fastrand::u64(..u64::MAX / 2), number("SEQUENCES").unwrap_or(sequences)),
    };
    let mut reached = Reached::new();
    for seed in first..first + wanted {
        let story = &stories[usize::try_from(seed % stories.len() as u64).unwrap()];
        let chosen = Steps::Random { opening: story.opening, rng: Rng::with_seed(seed), left: steps };
        if let Err(apart) = walk_once::<P>(stores, story.config, seed, chosen, &mut reached).await {
            let apart = shortened::<P>(stores, story.config, seed, apart).await;
            let (name, nth) = (story.name, seed - first + 1);
            panic!("{name:?}, sequence {nth}, SEED={seed} STEPS={steps}:\n{}", told(&apart));
        }
    }
    let taken: usize = reached.values().sum();
    println!("{wanted} sequences, {taken} steps, {:.1} s: {reached:#?}", started.elapsed().as_secs_f32());
    (wanted >= sequences).then_some(reached)
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Walks one sequence. The choices that the program makes for itself follow from `seed`.
async fn walk_once<'a, P: Pair<'a>>(
    stores: &'a Stores,
    config: P::Config,
    seed: u64,
    mut steps: Steps<'_, P::Action>,
    reached: &mut Reached,
) -> Result<(), Apart<P::Action>> {
    // The program draws its random shards from the thread's generator.
    fastrand::seed(seed);
    let mut taken = Vec::new();
    let mut walked = async || {
        let mut pair = P::start(stores, config).await?;
        while let Some(action) = steps.next(&pair.possible(), |action| pair.weight(action)) {
            taken.push(action);
            pair.step(action, reached).await?;
        }
        pair.end().await
    };
    let ended = walked().await;
    ended.map_err(|why| Apart { steps: taken, why })
}

/// Leaves out one step after the other, as long as the two still go apart.
async fn shortened<'a, P: Pair<'a>>(
    stores: &'a Stores,
    config: P::Config,
    seed: u64,
    mut apart: Apart<P::Action>,
) -> Apart<P::Action> {
    let mut at = apart.steps.len();
    while at > 0 {
        at -= 1;
        let mut fewer = apart.steps.clone();
        if at < fewer.len() {
            fewer.remove(at);
            let given = Steps::Given(&fewer);
            if let Err(shorter) = walk_once::<P>(stores, config, seed, given, &mut Reached::new()).await {
                apart = shorter;
            }
        }
    }
    apart
}

fn told<A: Debug>(apart: &Apart<A>) -> String {
    let steps = apart.steps.iter().enumerate();
    let lines: Vec<_> = steps.map(|(n, action)| format!("  {n:>3}  {action:?}")).collect();
    format!("{}\nthe model and the program go apart:\n{}", lines.join("\n"), apart.why)
}

/// Those parts of two states that are not the same.
pub(crate) fn differing(of_model: &[String], of_program: &[String]) -> String {
    let count = of_model.len().max(of_program.len());
    let part = |parts: &[String], n: usize| parts.get(n).cloned().unwrap_or_default();
    let lines = (0..count).map(|n| (part(of_model, n), part(of_program, n)));
    lines
        .filter(|(model, program)| model != program)
        .map(|(model, program)| format!("  model:   {model}\n  program: {program}"))
        .collect::<Vec<_>>()
        .join("\n")
}

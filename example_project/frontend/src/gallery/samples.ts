import { answered, asked, type Line } from "./stillChat";

export const QUESTION = asked("Why is the sea slow to warm up in spring?");

const SOURCES = [
  {
    title: "Specific heat capacity",
    url: "/#subjects-title",
    quote: "Water needs 4186 joules to warm one kilogram by one kelvin, more than almost any other substance.",
  },
  { title: "Convection", url: "https://example.org/convection", quote: "Warm water rises, cold water sinks." },
  { title: "From the lecture, without an address", url: "", quote: "" },
];

export const ANSWER = answered(
  "Water has a high specific heat capacity [1]: it takes up a lot of energy before its temperature rises.\n\n" +
    "The sea also mixes. Waves and currents carry the warmth down [2], so that much more than the surface has to be " +
    "warmed.",
  { metadata: { sources: SOURCES } },
);

export const CONVERSATION: readonly Line[] = [QUESTION, ANSWER];

export const LONG_ANSWER = `## In one sentence

The sea warms slowly because water takes up **a lot of energy** for each degree, and because it *mixes*.

Three things come together:

1. Water's specific heat capacity is 4186 J/(kg·K), about four times that of air.
2. Light reaches many metres down, so that the energy is spread.
   - In clear water half of it is left after ten metres.
   - In a harbour, after one.
3. Wind and tides stir the upper layer.

Here is how to calculate it:

\`\`\`python
SPECIFIC_HEAT = 4186  # J/(kg·K)

def energy_to_warm(mass: float, degrees: float, specific_heat: float = SPECIFIC_HEAT) -> float:
    """Energy in joules that warms this mass, in kilograms, by so many degrees."""
    return mass * specific_heat * degrees
\`\`\`

| substance | J/(kg·K) |
|---|---:|
| water | 4186 |
| air | 1005 |
| granite | 790 |

> Whoever swims in May notices it.
>
> Whoever swims in October, too.

---

### What was found when

1843. James Joule measures what work it takes to warm water.

      He does so again, better, until 1850.
1844. Others do not believe him yet.

#### And where

The name for the stirred part is the \`mixed layer\`; see [the passage on convection](/#subjects-title).`;

export const LONG_WORD =
  "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsvorsitzendenstellvertreterin";

export const LONG_ADDRESS = `https://example.org/${"a-very-long-path/".repeat(9)}?q=${"x".repeat(90)}`;

/** Two hundred messages: enough to see that a long chat is as quick as a short one. */
export const MANY: readonly Line[] = Array.from({ length: 100 }, (_, index) => [
  asked(`Question ${index + 1}: how much energy warms ${index + 1} kg of water by one degree?`),
  answered(`${((index + 1) * 4186).toLocaleString("en")} joules.`),
]).flat();

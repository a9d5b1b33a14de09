import { type ReactNode, useEffect, useRef } from "react";
import { Stage } from "./Stage";
import { GALLERY, GALLERY_STATES, type GalleryState } from "./states";
import { type Address, addressWith, goTo, useAddress } from "./useAddress";

/** The list of all states, or one of them. */
export function Gallery() {
  const address = useAddress();
  const state = GALLERY_STATES.find(({ name }) => name === address.state);
  useTitle(state?.title);
  return state === undefined ? <Overview address={address} /> : <Alone address={address} state={state} />;
}

function Overview({ address }: { address: Address }) {
  return (
    <div className="page gallery">
      <header className="intro">
        <Heading>Gallery</Heading>
        <p>
          Every component in every state, without a server: nothing here is sent or kept. The accessibility tests walk
          through the same list.
        </p>
        <Looks address={address} />
      </header>
      <nav className="gallery-groups" aria-label="States">
        {GALLERY.map(({ title, about, states }) => (
          <section key={title} className="gallery-group">
            <h2>{title}</h2>
            <p>{about}</p>
            <StateLinks address={address} states={states} />
          </section>
        ))}
      </nav>
    </div>
  );
}

function Alone({ address, state }: { address: Address; state: GalleryState }) {
  const at = GALLERY_STATES.indexOf(state);
  return (
    <div className="gallery-alone">
      <nav className="gallery-index" aria-label="States">
        {GALLERY.map(({ title, states }) => (
          <section key={title} className="gallery-group">
            <h2>{title}</h2>
            <StateLinks address={address} states={states} />
          </section>
        ))}
      </nav>
      <div className="gallery-state">
        <header className="gallery-head">
          <p className="crumb">
            <Link to={addressWith(address, { state: null })}>Gallery</Link>
          </p>
          <Heading key={state.name}>{state.title}</Heading>
          <Looks address={address} />
        </header>
        <Stage key={state.name} state={state} dir={address.dir} lang={address.lang} />
        <nav className="gallery-steps" aria-label="Other states">
          <Neighbour address={address} state={GALLERY_STATES[at - 1]} rel="prev" />
          <Neighbour address={address} state={GALLERY_STATES[at + 1]} rel="next" />
        </nav>
      </div>
    </div>
  );
}

function StateLinks({ address, states }: { address: Address; states: readonly GalleryState[] }) {
  return (
    <ul>
      {states.map(({ name, title }) => (
        <li key={name}>
          <Link to={addressWith(address, { state: name })} isCurrent={name === address.state}>
            {title}
          </Link>
        </li>
      ))}
    </ul>
  );
}

const LOOKS = [
  { of: "theme", name: "Theme", options: { "As the system": null, Light: "light", Dark: "dark" } },
  { of: "dir", name: "Direction", options: { "Left to right": null, "Right to left": "rtl" } },
  { of: "lang", name: "Language", options: { English: null, German: "de", French: "fr", Spanish: "es" } },
] as const;

/** These load the page anew: the theme belongs to the whole of it. */
function Looks({ address }: { address: Address }) {
  return (
    <div className="gallery-looks">
      {LOOKS.map(({ of, name, options }) => (
        <p key={of}>
          <span>{name}</span>
          {Object.entries(options).map(([title, value]) => (
            <a
              key={title}
              href={addressWith(address, { [of]: value })}
              aria-current={address[of] === value ? "true" : undefined}
            >
              {title}
            </a>
          ))}
        </p>
      ))}
    </div>
  );
}

function Neighbour({ address, state, rel }: { address: Address; state: GalleryState | undefined; rel: string }) {
  if (state === undefined) return null;
  return (
    <Link to={addressWith(address, { state: state.name })} rel={rel}>
      {rel === "prev" ? "Before: " : "Next: "}
      {state.title}
    </Link>
  );
}

function Link(props: { to: string; children: ReactNode; isCurrent?: boolean; rel?: string }) {
  return (
    <a href={props.to} rel={props.rel} aria-current={props.isCurrent ? "page" : undefined} onClick={goTo}>
      {props.children}
    </a>
  );
}

let isArrival = true;

/** The name of what is shown: whoever goes on from state to state is taken there. */
function Heading({ children }: { children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement | null>(null);
  useEffect(() => {
    if (!isArrival) heading.current?.focus();
    isArrival = false;
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

function useTitle(state: string | undefined): void {
  useEffect(() => {
    document.title = [...(state === undefined ? [] : [state]), "Gallery", "XP study site"].join(" · ");
  }, [state]);
}

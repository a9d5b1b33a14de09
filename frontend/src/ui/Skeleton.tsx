/** What is not there yet, for those who see. */
export function Skeleton() {
  return (
    <div className="dcs-skeleton" aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  );
}

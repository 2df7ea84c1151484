// Reporter for `node --test`: one JSON object a line for every test, with its file, which JUnit and TAP leave out.
export default async function* report(source) {
  const open = [];
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      open.length = data.nesting;
      open[data.nesting] = data.name;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const error = data.details?.error;
    const cause = error?.cause ?? error;
    const isSuite = data.details?.type === 'suite';
    const failedInside = error?.failureType === 'subtestsFailed';
    if (failedInside || (isSuite && type === 'test:pass')) continue;
    const skipped = data.skip !== undefined || data.todo !== undefined;
    const place = String(cause?.stack ?? '').match(/\(?(?:file:\/\/)?([^\s()]+?):(\d+):\d+\)?\s*(?:\n|$)/);
    const line = place && place[1] === data.file ? Number(place[2]) : data.line;
    yield JSON.stringify({
      names: [...open.slice(0, data.nesting), data.name],
      status: skipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed',
      file: data.file,
      line,
      message: error ? String(cause?.stack ?? cause?.message ?? cause) : '',
    }) + '\n';
  }
}

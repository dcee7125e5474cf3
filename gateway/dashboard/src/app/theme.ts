import { type CSSVariablesResolver, createTheme } from '@mantine/core'

/** What the library's parts look like; further colours are in {@link variables}. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  respectReducedMotion: true,
  defaultRadius: 'md',
  fontFamily: 'Inter, "Segoe UI", system-ui, -apple-system, Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
  components: { Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } } },
})

/** Quiet text stays readable: the library's own greys are below 4.5 to 1. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#566170',
    '--mantine-color-placeholder': '#6a7482',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-error': '#c92a2a',
  },
  dark: {
    '--mantine-color-dimmed': '#a3adba',
    '--mantine-color-placeholder': '#929ba7',
    '--mantine-color-body': '#14171c',
    '--mantine-color-error': '#ff8787',
  },
})
